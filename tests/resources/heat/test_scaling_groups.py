from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

from stackd.resources.base import Members
from stackd.resources.heat.rolling import Pace
from stackd.resources.heat.scaling_groups import current_size, data_of_size, uniform_batches
from tests.support.context import LONG_AGO, make_resource

GROUP = make_resource("grp", physical_id="child", data={"member_names": ["a", "b", "c"], "members_made": 3})
NEW: Mapping[str, Any] = {"type": "T", "properties": {"value": "new"}}
OLD: Mapping[str, Any] = {"type": "T", "properties": {"value": "old"}}
OLDER: Mapping[str, Any] = {"type": "T", "properties": {"value": "older"}}


def members(settled: str = "abc", **definitions: Mapping[str, Any]) -> Members:
    """Members whose rows still have the properties of the old definition where they are not settled."""
    rows = {
        name: replace(
            make_resource(name, "T", properties=dict(OLD["properties"])),
            created_at=LONG_AGO + timedelta(seconds=index),
        )
        for index, name in enumerate(definitions)
    }
    return Members(rows, {}, {}, lambda name, path: None, definitions=definitions, settled=settled)


def steps(current: Members, pace: Pace) -> list[dict[str, str]]:
    templates: list[Any] = [each.child.template for each in uniform_batches(GROUP, current, NEW, pace)]
    return [
        {name: each["properties"]["value"] for name, each in template["resources"].items()}
        for template in templates
    ]


def test_oldest_members_change_first() -> None:
    assert steps(members(a=OLD, b=OLD, c=OLD), Pace(1)) == [
        {"a": "new", "b": "old", "c": "old"},
        {"a": "new", "b": "new", "c": "old"},
        {"a": "new", "b": "new", "c": "new"},
    ]


def test_members_keep_what_they_have_until_it_is_their_turn() -> None:
    assert steps(members(a=NEW, b=OLDER, c=OLD), Pace(1)) == [
        {"a": "new", "b": "new", "c": "old"},
        {"a": "new", "b": "new", "c": "new"},
    ]


def test_member_that_was_being_changed_takes_its_turn_again() -> None:
    assert steps(members("a", a=NEW, b=NEW, c=OLD), Pace(1)) == [
        {"a": "new", "b": "new", "c": "old"},
        {"a": "new", "b": "new", "c": "new"},
    ]


def test_same_definition_is_one_step() -> None:
    assert steps(members(a=NEW, b=NEW, c=NEW), Pace(1)) == [{"a": "new", "b": "new", "c": "new"}]
    assert steps(members("ab", a=NEW, b=NEW), Pace(1)) == [{"a": "new", "b": "new", "c": "new"}]


def test_size_is_that_of_the_names() -> None:
    assert current_size(GROUP, members()) == 3
    assert current_size(replace(GROUP, data={}), members(a=OLD)) is None
    assert data_of_size(GROUP, members(a=OLD, b=OLD, c=OLD), 1, NEW) == {
        "member_names": ["c"],
        "members_made": 3,
    }
