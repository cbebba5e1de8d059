"""From the values of periods to a state and its reason."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from stackd.engine.services.alarms.matching import has_among_others
from stackd.engine.services.alarms.rules import Rule, reason_data_of, reason_of, rule_of, verdict
from tests.db.test_alarms import an_alarm
from tests.engine.services.alarms.test_configuration import GOOD

NOON = int(datetime(2030, 1, 1, 12, tzinfo=UTC).timestamp())


def rule(origin: str = "api", **changes: Any) -> Rule:
    return rule_of(an_alarm(origin=origin, configuration=GOOD | changes))


@pytest.mark.parametrize(
    ("second", "period", "lateness", "ends"),
    [(0, 60, 0.0, 0), (59, 60, 0.0, 0), (0, 60, 60.0, -60), (59, 60, 60.0, -60), (5, 10, 60.0, -10)],
)
def test_periods_count_once_they_are_over_and_nothing_late_can_come(
    second: int, period: int, lateness: float, ends: int
) -> None:
    made = rule(Period=period)
    moment = datetime.fromtimestamp(NOON + second, UTC)
    assert made.window(moment, lateness) == (NOON + ends - 5 * period, NOON + ends)


def test_reasons_name_the_points_that_decide() -> None:
    made = rule(ComparisonOperator="GreaterThanThreshold", Threshold=5.0)
    window = (NOON, NOON + 300)
    values = {NOON + 60 * number: float(number * 4) for number in range(5)}
    found = verdict(made, values, {}, window)
    assert found.state == "ALARM"
    assert reason_of(made, found) == (
        "Threshold crossed: 3 of the last 3 datapoints [8 (01/01/30 12:02:00), 12 (01/01/30 12:03:00), "
        "16 (01/01/30 12:04:00)] were greater than 5; 3 of 3 are needed for ALARM."
    )
    data = reason_data_of(made, found, datetime.fromtimestamp(NOON, UTC))
    assert (data["statistic"], data["threshold"], data["recentDatapoints"]) == ("Sum", 5.0, [8.0, 12.0, 16.0])
    nothing = verdict(made, {}, {}, window)
    assert nothing.state == "INSUFFICIENT_DATA"
    assert "nothing was measured" in reason_of(made, nothing)


def test_nothing_counted_is_zero_in_a_template_that_does_not_say_otherwise() -> None:
    window = (NOON, NOON + 300)
    assert verdict(rule("template"), {}, {}, window).state == "ALARM"  # zero is less than one
    assert verdict(rule("template", TreatMissingData="missing"), {}, {}, window).state == "INSUFFICIENT_DATA"
    assert verdict(rule("template", Statistic="Average"), {}, {}, window).state == "INSUFFICIENT_DATA"


def test_percentiles_of_few_samples_may_be_ignored() -> None:
    changes = {"Statistic": None, "ExtendedStatistic": "p90", "EvaluateLowSampleCountPercentile": "ignore"}
    made = rule(**changes)
    values = {NOON + 60 * number: 0.0 for number in range(5)}
    assert verdict(made, values, dict.fromkeys(values, 99.0), (NOON, NOON + 300)).state is None
    assert verdict(made, values, dict.fromkeys(values, 101.0), (NOON, NOON + 300)).state == "ALARM"


@pytest.mark.parametrize(
    ("own", "belongs"),
    [
        ({"Group": "g"}, True),
        ({"metering.Group": "g", "Host": "h"}, True),
        ({"Group": "other"}, False),
        ({}, False),
        ({"AlarmName": "hot"}, True),
        ({"AlarmName": "cold", "Group": "g"}, False),
    ],
)
def test_an_alarm_in_a_template_has_the_metrics_with_its_dimensions(
    own: dict[str, str], belongs: bool
) -> None:
    assert has_among_others(tuple(own.items()), (("Group", "g"),), "hot") is belongs
