from typing import Any

import pytest

from stackd.errors import PropertyError
from stackd.resources.aws.rolling_policy import check_policy, pace_of, seconds
from stackd.resources.heat.rolling import Pace
from stackd.template.unknown import Unknown


@pytest.mark.parametrize(
    ("duration", "length"),
    [("PT0S", 0), ("PT30S", 30), ("PT5M", 300), ("PT1H", 3600), ("PT1M30S", 90), ("PT0H59M60S", 3600)],
)
def test_durations_are_seconds(duration: str, length: float) -> None:
    assert seconds(duration, "p") == length


@pytest.mark.parametrize(
    "duration", ["", "PT", "5M", "P1D", "PT5", "PT1.5S", "PT-1S", "pt5m", "PT5S5M", "PT5M "]
)
def test_other_durations_are_refused(duration: str) -> None:
    with pytest.raises(PropertyError, match="is no duration of the form PT#H#M#S"):
        seconds(duration, "p")


@pytest.mark.parametrize("duration", ["PT1H1S", "PT61M", "PT3601S", "PT99999H"])
def test_pauses_are_no_longer_than_an_hour(duration: str) -> None:
    with pytest.raises(PropertyError, match=f"A pause of {duration} is longer than an hour"):
        seconds(duration, "p")


@pytest.mark.parametrize(
    ("rolling", "at", "reason"),
    [
        ({"MinInstancesInService": -1}, "MinInstancesInService", "0 or more"),
        ({"MaxBatchSize": 0}, "MaxBatchSize", "At least one instance changes at a time"),
        ({"PauseTime": "soon"}, "PauseTime", "'soon' is no duration"),
    ],
)
def test_policies_by_which_nothing_can_be_done_are_refused(rolling: Any, at: str, reason: str) -> None:
    whole = {"MinInstancesInService": 0, "MaxBatchSize": 1, "PauseTime": "PT0S"} | rolling
    with pytest.raises(PropertyError, match=reason) as caught:
        check_policy("RollingUpdate", {"RollingUpdate": whole})
    assert caught.value.path == f"update_policy.RollingUpdate.{at}"
    with pytest.raises(PropertyError, match=reason):
        pace_of("RollingUpdate", {"RollingUpdate": rolling})


def test_no_policy_and_one_that_is_not_known_yet_are_not_judged() -> None:
    check_policy("RollingUpdate", {})
    check_policy("RollingUpdate", {"RollingUpdate": {"MaxBatchSize": Unknown("x")}})


def test_pace_has_defaults() -> None:
    assert pace_of("RollingUpdate", None) is None
    assert pace_of("RollingUpdate", {"AutoScalingRollingUpdate": {}}) is None
    assert pace_of("RollingUpdate", {"RollingUpdate": {}}) == Pace(1, 0.0, 0)
    given = {"MinInstancesInService": "2", "MaxBatchSize": 3, "PauseTime": "PT1M"}
    assert pace_of("RollingUpdate", {"RollingUpdate": given}) == Pace(3, 60.0, 2)
