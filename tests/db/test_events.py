from __future__ import annotations

from operator import attrgetter
from typing import Any

import pytest

from stackd.db import events
from stackd.db.database import Database
from stackd.db.events import EventFilter
from stackd.db.journal import Insert, Journal
from stackd.db.stacks import Page
from stackd.records import Action, Stack, Status
from tests.support.records import START, a_child, a_resource, a_stack, an_event


@pytest.fixture
async def told(journal: Journal) -> Stack:
    """A stack with events a to d, where b and c are of the same moment."""
    stack = a_stack()
    moment = an_event(stack).time
    await journal.write(
        Insert(stack),
        Insert(an_event(stack, "a", time=START, status=Status.IN_PROGRESS)),
        Insert(an_event(stack, "b", time=moment, resource_type="OS::Heat::None")),
        Insert(an_event(stack, "c", time=moment, action=Action.UPDATE)),
        Insert(an_event(stack, "d")),
    )
    return stack


async def names(database: Database, stack: Stack, **how: Any) -> str:
    page = Page(**{key: how.pop(key) for key in tuple(how) if key in Page.__dataclass_fields__})
    return "".join(e.resource_name for e in await events.listed(database, stack.id, EventFilter(**how), page))


@pytest.mark.parametrize(
    ("how", "expected"),
    [
        ({}, "dcba"),
        ({"descending": False}, "abcd"),
        ({"limit": 2}, "dc"),
        ({"limit": 0}, ""),
        ({"marker": "unknown"}, "dcba"),
        ({"sort_keys": ("resource_type",)}, "bacd"),
        ({"sort_keys": ("resource_name",)}, "dcba"),
        ({"allowed": {"resource_name": ("a", "c")}}, "ca"),
        ({"allowed": {"status": ("IN_PROGRESS",)}}, "a"),
        ({"allowed": {"action": ("UPDATE",)}}, "c"),
        ({"allowed": {"resource_type": ("OS::Heat::None",), "action": ("CREATE",)}}, "b"),
    ],
    ids=str,
)
async def test_a_list_shows_what_its_filter_allows(
    database: Database, told: Stack, how: dict[str, Any], expected: str
) -> None:
    assert await names(database, told, **how) == expected


@pytest.mark.parametrize("descending", [True, False])
async def test_pages_follow_their_marker_through_events_of_one_moment(
    database: Database, told: Stack, descending: bool
) -> None:
    seen, marker = "", ""
    while part := await events.listed(
        database, told.id, page=Page(limit=1, marker=marker, descending=descending)
    ):
        seen, marker = seen + part[0].resource_name, part[0].id
    assert seen == ("dcba" if descending else "abcd")


async def test_nested_events_come_from_live_descendants_of_the_project(
    database: Database, journal: Journal, told: Stack
) -> None:
    child = a_child(told)
    grandchild = a_child(child)
    foreign = a_child(told, project_id="other")
    dead = a_child(told, deleted_at=START)
    family = {"e": child, "g": grandchild, "x": foreign, "y": dead}
    await journal.write(
        *(Insert(stack) for stack in family.values()),
        *(Insert(an_event(stack, name)) for name, stack in family.items()),
    )
    assert await names(database, told, nested_depth=1) == "edcba"
    assert await names(database, told, nested_depth=2, limit=3) == "ged"
    assert await names(database, told, nested_depth=9) == "gedcba"
    assert await names(database, child, nested_depth=1) == "ge"
    assert await names(database, dead, nested_depth=1) == ""
    assert await names(database, dead) == "y"


async def test_an_event_is_shown_in_its_own_stack_only(database: Database, told: Stack) -> None:
    [newest] = await events.listed(database, told.id, page=Page(limit=1))
    assert await events.get(database, told.id, newest.id) == newest
    assert await events.get(database, "another", newest.id) is None


async def test_the_oldest_events_go_when_there_are_too_many(database: Database, told: Stack) -> None:
    assert await events.purge(database, told.id, keep=0, batch=2) == 0
    assert await events.purge(database, told.id, keep=4, batch=2) == 0
    assert await events.purge(database, told.id, keep=3, batch=2) == 2
    assert await names(database, told) == "dc"


async def test_an_event_has_the_properties_of_the_newest_change_up_to_it(
    database: Database, journal: Journal
) -> None:
    stack = a_stack()
    row, other = a_resource(stack, "r", properties={"v": 3}), a_resource(stack, "r", properties={"v": 9})
    changes = ({"v": 1}, None, {}, None, {"v": 3}, None)
    made = [an_event(stack, "r", resource_id=row.id, properties=values) for values in changes]
    made.insert(3, an_event(stack, "r", resource_id=other.id, properties={"v": 9}))
    await journal.write(Insert(stack), Insert(row), Insert(other), *(Insert(event) for event in made))
    listed = await events.listed(database, stack.id, page=Page(descending=False))
    assert all(event.properties is None for event in listed)
    shown = [await events.properties_at(database, event) for event in sorted(listed, key=attrgetter("seq"))]
    assert shown == [{"v": 1}, {"v": 1}, {}, {"v": 9}, {}, {"v": 3}, {"v": 3}]
    full = await events.get(database, stack.id, made[0].id)
    assert full is not None
    assert full.properties == {"v": 1}


async def test_an_event_before_all_that_have_properties_has_those_of_an_unchanged_row(
    database: Database, journal: Journal
) -> None:
    stack = a_stack()
    unchanged, changed = a_resource(stack, "u", properties={"v": 1}), a_resource(stack, "c")
    await journal.write(
        Insert(stack),
        Insert(unchanged),
        Insert(changed),
        Insert(an_event(stack, "u")),
        Insert(an_event(stack, "u", resource_id=unchanged.id)),
        Insert(an_event(stack, "c")),
        Insert(an_event(stack, "c", resource_id=changed.id)),
        Insert(an_event(stack, "c", resource_id=changed.id, properties={"v": 2})),
        Insert(an_event(stack, "gone")),
    )
    listed = await events.listed(database, stack.id, page=Page(descending=False))
    shown = [await events.properties_at(database, event) for event in listed]
    assert shown == [{"v": 1}, {"v": 1}, None, None, {"v": 2}, None]
