from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime, timedelta

import orjson
import pytest

from stackd.db import documents, events, operations, resources, stacks
from stackd.db.database import Database
from stackd.db.documents import document_id
from stackd.db.journal import Change, Insert, Journal, PutDocument
from stackd.db.purge import Purged, purge
from stackd.errors import EntityNotFound
from stackd.records import Definition
from tests.support.database import migrated_database
from tests.support.records import a_resource, a_stack, an_event, an_operation

NOW = datetime.fromisoformat("2031-06-01T00:00:00+00:00")
MONTH = timedelta(days=30)


class Clock:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def database(clock: Clock) -> AsyncIterator[Database]:
    async with migrated_database(clock) as database:
        yield database


def put(database: Database, body: bytes) -> PutDocument:
    return PutDocument("project", document_id(database.document_key, "project", body), body)


async def is_there(database: Database, document: PutDocument) -> bool:
    database.documents.clear()
    try:
        return await documents.get(database, "project", document.id) == document.body
    except EntityNotFound:
        return False


async def test_old_deleted_stacks_go_with_all_that_is_theirs(database: Database, journal: Journal) -> None:
    live = a_stack()
    fresh = a_stack(deleted_at=NOW - timedelta(days=1))
    old = a_stack(deleted_at=NOW - MONTH * 2)
    belongings: list[Change] = []
    for stack in (live, fresh, old):
        belongings += [Insert(stack), Insert(a_resource(stack)), Insert(an_event(stack))]
        belongings.append(Insert(an_operation(stack)))
    await journal.write(*belongings)
    assert await purge(database, MONTH) == Purged(stacks=1, documents=0)
    assert await stacks.get(database, old.id, None) is None
    assert await resources.of_stack(database, old.id) == []
    assert await events.count(database, old.id) == 0
    assert await operations.of_root(database, old.id) == []
    for kept in (live, fresh):
        assert await stacks.get(database, kept.id, None) == kept
        assert await resources.sizes(database, kept.id) == {kept.id: 1}
        assert await events.count(database, kept.id) == 1
        assert len(await operations.of_root(database, kept.id)) == 1


async def test_documents_go_when_nothing_names_them(
    database: Database, journal: Journal, clock: Clock
) -> None:
    template, previous, file, orphan, again = (
        put(database, body) for body in (b"t", b"p", b"file", b"orphan", b"again")
    )
    manifest = put(database, orjson.dumps({"script.sh": file.id}))
    stack = a_stack(definition=Definition(template.id, "", manifest.id), previous=Definition(previous.id))
    resource = a_resource(stack, applied_from=orphan.id)  # a mark of a definition, no document
    named = (template, previous, file, manifest)
    await journal.write(Insert(stack), Insert(resource), *named, orphan, again)
    assert await purge(database, MONTH) == Purged(stacks=0, documents=0)
    clock.now += MONTH * 2
    await journal.write(again)
    assert await purge(database, MONTH) == Purged(stacks=0, documents=1)
    assert not await is_there(database, orphan)
    for kept in (*named, again):
        assert await is_there(database, kept)
