from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from stackd.db import events, parts, resources, stacks
from stackd.db.backend import Query
from stackd.db.database import Database
from stackd.db.events import EventFilter
from stackd.db.journal import Insert, Journal
from stackd.db.migrations import upgrade
from stackd.db.parts import Part
from stackd.db.stacks import Page
from stackd.records import Event, Resource, Stack
from tests.support.database import ReversingSealer
from tests.support.records import a_resource, a_stack


def every_part(db: Database) -> list[Part[Any]]:
    page = Page(limit=20)
    return [
        resources.all_of(db, brief=True),
        resources.named_as(db, "a"),
        resources.requiring(db, "a"),
        events.page_of(db, EventFilter(), page, {}),
    ]


@pytest.fixture
async def stored(journal: Journal) -> Stack:
    stack, other = a_stack(name="one", stack_user_project_id="guests"), a_stack(name="two")
    for each in (stack, other):
        needed = a_resource(each, name="a")
        event = Event(
            stack_id=each.id,
            root_id=each.root_id,
            project_id=each.project_id,
            resource_name="a",
            resource_type=needed.type,
            physical_id=None,
            action=needed.action,
            status=needed.status,
            reason="",
        )
        await journal.write(
            Insert(each), Insert(needed), Insert(a_resource(each, name="b", requires=("a",))), Insert(event)
        )
    return stack


async def test_parts_come_with_the_stack_as_they_come_alone(database: Database, stored: Stack) -> None:
    wanted = every_part(database)
    for project in (stored.project_id, "guests", None):
        found, rows = await stacks.reachable(database, stored.id, project, *wanted)
        assert found == stored
        together = [await part.records(each) for part, each in zip(wanted, rows, strict=True)]
        assert together == [await parts.read(database, stored.id, part) for part in wanted]
        assert [len(each) for each in together] == [2, 1, 1, 1]


async def test_large_row_is_decrypted_in_a_thread(
    database: Database, journal: Journal, stored: Stack
) -> None:
    for name, size in (("small", 1_000), ("large", 500_000)):
        await journal.write(Insert(a_resource(stored, name=name, metadata={"signal": "x" * size})))
    here, seen = threading.get_ident(), {}

    def noted(row: Sequence[Any]) -> Resource:
        made = database.codecs.resources.record(row)
        seen[made.name] = threading.get_ident()
        return made

    for name in ("small", "large"):
        part = resources.named_as(database, name)._replace(record=noted)
        [row] = await parts.read(database, stored.id, part)
        assert row == (await resources.named(database, stored.id, name))[0]
    assert seen["small"] == here != seen["large"]


async def test_no_part_of_a_stack_of_another_project_is_read(database: Database, stored: Stack) -> None:
    for project in ("nobody", ""):
        found, rows = await stacks.reachable(database, stored.id, project, *every_part(database))
        assert found is None
        assert rows == [[], [], [], []]


async def test_whether_a_stack_may_be_reached_is_found_out_before_its_parts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = f"sqlite:///{tmp_path}/stackd.db"
    await upgrade(url)
    database = await Database.open(url, ReversingSealer())
    seen: list[Query] = []
    fetch = database.backend.fetch

    async def noted(*queries: Query) -> list[list[Any]]:
        seen.extend(queries)
        return await fetch(*queries)

    monkeypatch.setattr(database.backend, "fetch", noted)
    await stacks.reachable(database, "some stack", "nobody", *every_part(database))
    for statement, args in seen[1:]:
        [[first, *_]] = await fetch((replace(statement, text=f"EXPLAIN QUERY PLAN {statement.text}"), args))
        assert first[-1].startswith("SEARCH stacks"), first[-1]
    await database.close()
