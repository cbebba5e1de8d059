from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from stackd.records import Status
from stackd.resources.base import Members
from stackd.resources.heat.capacity import Capacity
from stackd.resources.heat.rolling import Pace
from stackd.resources.heat.scaling_groups import data_of_size, rolling_batches, scaled, size_after
from stackd.resources.scaling import CHANGE, Adjustment
from stackd.resources.schema import Properties
from tests.support.context import LONG_AGO, make_resource

GROUP = make_resource("grp", physical_id="child", data={"member_names": ["a", "b", "c"], "members_made": 3})
NEW: Mapping[str, Any] = {"type": "T", "properties": {"value": "new"}}
OLD: Mapping[str, Any] = {"type": "T", "properties": {"value": "old"}}
OLDER: Mapping[str, Any] = {"type": "T", "properties": {"value": "older"}}


def members(reached: str | None = None, failed: str = "", **definitions: Mapping[str, Any]) -> Members:
    """Members that are, as far as their rows say, still of an old definition."""
    rows = {
        name: replace(
            make_resource(name, "T", properties=dict(OLD["properties"])),
            created_at=LONG_AGO + timedelta(seconds=index),
            status=Status.FAILED if name == failed else Status.COMPLETE,
        )
        for index, name in enumerate(definitions)
    }
    had = None if reached is None else frozenset(reached)
    return Members(rows, {}, {}, lambda name, path: None, definitions, had)


def values(child: Any) -> dict[str, str]:
    return {name: each["properties"]["value"] for name, each in child.template["resources"].items()}


@pytest.mark.parametrize("before", [None, OLD])
@pytest.mark.parametrize(
    ("current", "steps"),
    [
        (members(a=OLD, b=OLD, c=OLD), ["new old old", "new new old", "new new new"]),
        (members(a=NEW, b=OLDER, c=OLD), ["new new old", "new new new"]),
        (members("a", a=NEW, b=NEW, c=OLD), ["new new old", "new new new"]),
        (members("ab", a=NEW, b=NEW, c=NEW), ["new new new"]),
        (members(a=NEW, b=NEW, c=NEW), ["new new new"]),
    ],
)
def test_oldest_members_change_first_and_those_that_are_done_stay(
    current: Members, steps: list[str], before: Any
) -> None:
    batches = rolling_batches(GROUP, current, before, NEW, Pace(1))
    found = [values(each.child) for each in batches]
    assert [" ".join(each[name] for name in "abc") for each in found] == steps


CAPACITY = Capacity(low="low", high="high", desired="desired")


def test_size_stays_as_it_is_or_as_it_was_adopted() -> None:
    props = Properties.wrap({"low": 1, "high": 5, "desired": 2})
    had = dict(props.data)
    current = members(a=OLD, b=OLD, c=OLD)
    assert size_after(replace(GROUP, properties=had), props, current, CAPACITY) == 3
    assert size_after(replace(GROUP, properties={**had, "desired": 3}), props, current, CAPACITY) == 2
    new = replace(GROUP, data={})
    assert size_after(new, props, members(), CAPACITY) == 2
    taken = replace(members(), adopted=["x", "y", "z"])
    assert size_after(new, props, taken, CAPACITY) == 3
    assert data_of_size(new, taken, 3, NEW)["member_names"] == ["x", "y", "z"]
    assert data_of_size(GROUP, current, 1, NEW) == {"member_names": ["c"], "members_made": 3}


def test_signal_leaves_members_as_they_are_but_for_new_and_failed_ones() -> None:
    more = Adjustment("child", CHANGE, 2, "label")
    change = scaled(GROUP, members(failed="b", a=OLD, b=OLD, c=OLDER), NEW, more, (0, 5))
    assert change is not None
    names = change.data["member_names"]
    shown = values(change.child)
    assert {name: shown[name] for name in "abc"} == {"a": "old", "b": "new", "c": "older"}
    assert [shown[name] for name in names if name not in "abc"] == ["new"]
    assert scaled(GROUP, members(a=OLD, b=OLD, c=OLD), NEW, more, (0, 3)) is None
