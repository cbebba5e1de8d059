from typing import Any

import pytest

from stackd.errors import PropertyError
from stackd.resources.heat.capacity import Capacity
from stackd.resources.schema import Properties
from stackd.template.unknown import Unknown

CAPACITY = Capacity(low="MinSize", high="MaxSize", desired="DesiredCapacity")


def props(**values: Any) -> Properties:
    return Properties.wrap({"MinSize": 1, "MaxSize": 5} | values)


@pytest.mark.parametrize(
    ("values", "path", "reason"),
    [
        ({"MinSize": 6}, "properties.MinSize", "MinSize can not be greater than MaxSize"),
        ({"DesiredCapacity": 6}, "properties.DesiredCapacity", "must be between MinSize and MaxSize"),
        ({"DesiredCapacity": 0}, "properties.DesiredCapacity", "must be between MinSize and MaxSize"),
    ],
)
def test_bounds_and_capacity_must_fit(values: Any, path: str, reason: str) -> None:
    with pytest.raises(PropertyError, match=reason) as caught:
        CAPACITY.check(props(**values))
    assert caught.value.path == path


def test_nothing_is_compared_with_what_is_not_known() -> None:
    CAPACITY.check(props(MinSize=Unknown("x")))
    assert CAPACITY.first(props(MinSize=Unknown("x"))) is None


def test_new_group_has_the_desired_capacity_or_the_least() -> None:
    assert CAPACITY.first(props()) == CAPACITY.after(props(), {}, None) == 1
    assert CAPACITY.first(props(DesiredCapacity=3)) == CAPACITY.after(props(DesiredCapacity=3), {}, None) == 3


@pytest.mark.parametrize(
    ("values", "old", "size"),
    [
        ({}, {}, 3),
        ({"DesiredCapacity": 2}, {"DesiredCapacity": 2}, 3),
        ({"DesiredCapacity": 2}, {"DesiredCapacity": 4}, 2),
        ({"DesiredCapacity": 2, "Cooldown": 9}, {"DesiredCapacity": 2}, 2),
        ({"DesiredCapacity": 2, "MaxSize": 9}, {"DesiredCapacity": 2}, 2),
        ({"Cooldown": 9}, {}, 3),
        ({"MaxSize": 2}, {}, 2),
        ({"MinSize": 4}, {}, 4),
    ],
)
def test_size_stays_unless_bounds_or_a_change_of_a_group_with_a_capacity_change_it(
    values: Any, old: Any, size: int
) -> None:
    assert CAPACITY.after(props(**values), props(**old).data, 3) == size
