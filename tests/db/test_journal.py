from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from stackd.db import documents, events, leases, resources, stacks
from stackd.db.database import Database
from stackd.db.journal import MOST_STANDING, Insert, Journal, PutDocument, Remove, Stand, Update
from stackd.errors import Fenced, StackdError, StackExists
from stackd.records import Definition, Event, Fence, Resource, Stack, Status
from tests.support.records import a_child, a_resource, a_stack, an_event

TTL = timedelta(seconds=30)


async def test_what_is_written_is_read_at_once(database: Database, journal: Journal) -> None:
    stack = a_stack(
        tags=("a", "b"), previous=Definition("x", "y", "z"), outputs={"ip": {"value": "10.0.0.1"}}
    )
    resource = a_resource(stack, requires=("net",), data={"password": "s3cret"})
    event = an_event(stack)
    await journal.write(Insert(stack), Insert(resource), Insert(event))
    assert await stacks.get(database, stack.id, "project") == stack
    assert await resources.of_stack(database, stack.id) == [resource]
    [stored] = await events.listed(database, stack.id)
    assert stored.id == event.id
    assert stored.seq > 0


async def test_an_update_changes_the_named_fields_only(database: Database, journal: Journal) -> None:
    stack = a_stack()
    resource = a_resource(stack, data={"kept": True})
    await journal.write(Insert(stack), Insert(resource))
    await journal.write(
        Update(Resource, resource.id, {"physical_id": "p1", "attributes": {"ip": "1.2.3.4"}}),
        Update(Stack, stack.id, {"previous": stack.definition, "definition": Definition("n")}),
    )
    [stored] = await resources.of_stack(database, stack.id)
    assert stored.physical_id == "p1"
    assert stored.attributes == {"ip": "1.2.3.4"}
    assert stored.data == {"kept": True}
    changed = await stacks.get(database, stack.id, None)
    assert changed is not None
    assert changed.definition == Definition("n")
    assert changed.previous == stack.definition


async def test_many_concurrent_writers_share_few_commits(database: Database, journal: Journal) -> None:
    stack = a_stack()
    await journal.write(Insert(stack))
    before = journal.commits
    await asyncio.gather(*(journal.write(Insert(an_event(stack))) for _ in range(900)))
    assert journal.commits - before <= 3
    assert await events.count(database, stack.id) == 900


async def test_a_write_is_all_or_nothing(database: Database, journal: Journal) -> None:
    stack = a_stack()
    resource = a_resource(stack)
    await journal.write(Insert(stack))
    with pytest.raises(StackdError):
        await journal.write(Insert(resource), Insert(stack))
    assert await resources.of_stack(database, stack.id) == []


async def test_one_bad_row_fails_alone(database: Database, journal: Journal) -> None:
    first = a_stack("taken")
    await journal.write(Insert(first))
    good = [a_stack() for _ in range(20)]
    writes = [journal.write(Insert(stack)) for stack in good]
    writes.insert(7, journal.write(Insert(a_stack("taken"))))
    results = await asyncio.gather(*writes, return_exceptions=True)
    errors = [result for result in results if result is not None]
    assert [type(error) for error in errors] == [StackExists]
    assert isinstance(results[7], StackExists)
    assert results[7].message == "The Stack (taken) already exists."
    assert await stacks.count(database, "project") == 21


async def test_a_name_is_free_again_after_deletion(database: Database, journal: Journal) -> None:
    old = a_stack("web")
    await journal.write(Insert(old))
    new = a_stack("web")
    await asyncio.gather(
        journal.write(Update(Stack, old.id, {"deleted_at": new.created_at})), journal.write(Insert(new))
    )
    found = await stacks.named(database, "web", "project")
    assert found is not None
    assert found.id == new.id


async def test_a_newer_epoch_fences_only_the_writes_of_the_old_one(
    database: Database, journal: Journal
) -> None:
    mine, other = a_stack(), a_stack()
    await journal.write(Insert(mine), Insert(other))
    old = await leases.claim(database, mine.id, "engine", TTL)
    new = await leases.claim(database, mine.id, "engine", TTL)
    assert (old, new) == (1, 2)
    results = await asyncio.gather(
        journal.write(Insert(an_event(mine)), fence=Fence(mine.id, 1)),
        journal.write(Insert(an_event(mine)), fence=Fence(mine.id, 2)),
        journal.write(Insert(an_event(other))),
        return_exceptions=True,
    )
    assert [type(result) for result in results] == [Fenced, type(None), type(None)]
    assert await events.count(database, mine.id) == 1


async def test_a_condition_that_does_not_hold_fences_its_write(database: Database, journal: Journal) -> None:
    stack = a_stack(operation_id="op-1")
    await journal.write(Insert(stack))
    done = {"status": Status.FAILED}
    results = await asyncio.gather(
        journal.write(Update(Stack, stack.id, done, {"operation_id": "op-0"}), Insert(an_event(stack))),
        journal.write(Update(Stack, stack.id, done, {"operation_id": "op-1"})),
        journal.write(Update(Stack, stack.id, {"reason": "x"}, {"operation_id": None})),
        return_exceptions=True,
    )
    assert [type(result) for result in results] == [Fenced, type(None), Fenced]
    assert await events.count(database, stack.id) == 0
    stored = await stacks.get(database, stack.id, None)
    assert stored is not None
    assert stored.status is Status.FAILED


async def test_changes_of_one_row_keep_their_order(database: Database, journal: Journal) -> None:
    stack = a_stack()
    resource = a_resource(stack)
    other = a_resource(stack, "other")
    await asyncio.gather(
        journal.write(Insert(stack)),
        journal.write(Insert(resource)),
        journal.write(Update(Resource, resource.id, {"reason": "1"})),
        journal.write(Update(Resource, resource.id, {"physical_id": "p"})),
        journal.write(Update(Resource, resource.id, {"reason": "2"})),
        journal.write(Insert(other)),
        journal.write(Remove(Resource, other.id)),
    )
    [stored] = await resources.of_stack(database, stack.id)
    assert (stored.reason, stored.physical_id) == ("2", "p")


async def test_a_cancelled_caller_does_not_take_its_write_back(database: Database, journal: Journal) -> None:
    stack = a_stack()
    tasks = [asyncio.create_task(journal.write(Insert(an_event(stack)))) for _ in range(10)]
    await asyncio.sleep(0)
    for task in tasks[:5]:
        task.cancel()
    results = await asyncio.gather(*tasks, return_exceptions=True)
    assert sum(isinstance(result, asyncio.CancelledError) for result in results) == 5
    await journal.write(Update(Event, "none", {"reason": ""}))
    assert await events.count(database, stack.id) == 10


async def test_a_document_is_stored_once(database: Database, journal: Journal) -> None:
    body = b"heat_template_version: 2021-04-16"
    id_ = documents.document_id(database.document_key, "project", body)
    await asyncio.gather(*(journal.write(PutDocument("project", id_, body)) for _ in range(3)))
    assert await documents.get(database, "project", id_) == body
    with pytest.raises(StackdError, match="could not be found"):
        await documents.get(database, "other", id_)


async def test_a_large_document_is_read_back_from_the_store(database: Database, journal: Journal) -> None:
    body = b"0123456789abcdef" * 20_000
    await journal.write(PutDocument("project", "large", body))
    assert await documents.get(database, "project", "large") == body
    assert await documents.get(database, "project", "") == b""


async def test_a_value_that_no_column_holds_fails_its_write_alone(
    database: Database, journal: Journal
) -> None:
    stack = a_stack()
    results = await asyncio.gather(
        journal.write(Insert(stack)),
        journal.write(Insert(a_stack(timeout_mins=10**30))),
        journal.write(Insert(a_stack(owner="\ud800"))),
        return_exceptions=True,
    )
    assert [type(result) for result in results] == [type(None), StackdError, StackdError]
    assert await stacks.count(database, None) == 1


async def test_nested_stacks_are_read_as_a_tree(database: Database, journal: Journal) -> None:
    root = a_stack()
    child = a_child(root)
    grandchild = a_child(child)
    await journal.write(Insert(grandchild), Insert(root), Insert(child))
    assert [stack.id for stack in await stacks.tree(database, root.id)] == [root.id, child.id, grandchild.id]
    assert [stack.id for stack in await stacks.children(database, root.id)] == [child.id]


@pytest.mark.parametrize("count", [1, 8, 9, 600])
async def test_many_rows_are_noted_to_stand_in_few_statements(
    database: Database, journal: Journal, count: int
) -> None:
    root = a_stack()
    rows = [a_resource(root, f"r{number}") for number in range(count + 1)]
    await journal.write(Insert(root), *map(Insert, rows))
    ids = [row.id for row in rows[:count]]
    chunks = [ids[start : start + MOST_STANDING] for start in range(0, count, MOST_STANDING)]
    await journal.write(*(Stand(tuple(chunk), "new") for chunk in chunks))
    found = {row.id: row.applied_from for row in await resources.of_stack(database, root.id)}
    assert {id_ for id_, target in found.items() if target == "new"} == set(ids)
