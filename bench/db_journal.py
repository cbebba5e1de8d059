"""Measures the journal and the hot reads.

    python bench/db_journal.py [--url sqlite:////tmp/bench.db] [--changes 40000] [--writers 200]

Prints changes per second, CPU per change, and CPU per read of one stack and of a list of 20. Sealing is
Fernet as in production.
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
import time
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography.fernet import Fernet

from stackd.db import leases, stacks
from stackd.db.database import Database
from stackd.db.journal import Insert, Journal, Update
from stackd.db.migrations import upgrade
from stackd.db.stacks import Page
from stackd.records import Action, Definition, Event, Fence, Resource, Stack, Status

CHANGES_PER_RESOURCE = 6


class FernetSealer:
    def __init__(self) -> None:
        fernet = Fernet(Fernet.generate_key())
        self.seal = fernet.encrypt
        self.unseal = fernet.decrypt


def a_stack(name: str) -> Stack:
    id_ = str(uuid.uuid4())
    return Stack(
        id=id_,
        project_id="project",
        name=name,
        owner="alice",
        user_id="u",
        action=Action.CREATE,
        status=Status.IN_PROGRESS,
        reason="",
        definition=Definition("t", "e", "f"),
        root_id=id_,
        created_at=datetime.now(UTC),
    )


async def one_resource(journal: Journal, stack: Stack, name: str, fence: Fence) -> None:
    """What a walk writes for a resource: intent, physical id, outcome, and two events."""
    now = datetime.now(UTC)
    resource = Resource(
        id=str(uuid.uuid4()),
        stack_id=stack.id,
        root_id=stack.id,
        name=name,
        type="OS::Nova::Server",
        kind="OS::Nova::Server",
        created_at=now,
    )
    event = Event(
        id=str(uuid.uuid4()),
        stack_id=stack.id,
        root_id=stack.id,
        project_id="project",
        time=now,
        resource_name=name,
        resource_type=resource.type,
        physical_id=None,
        action=Action.CREATE,
        status=Status.IN_PROGRESS,
        reason="state changed",
    )
    properties = {
        "image": "cirros",
        "flavor": "m1.small",
        "networks": [{"network": "private"}],
        "user_data": "x" * 200,
    }
    going = {"action": Action.CREATE, "status": Status.IN_PROGRESS, "properties": properties}
    await journal.write(Insert(resource), fence=fence)
    begun = replace(event, resource_id=resource.id, properties=properties)
    await journal.write(Update(Resource, resource.id, going), Insert(begun), fence=fence)
    await journal.write(Update(Resource, resource.id, {"physical_id": str(uuid.uuid4())}), fence=fence)
    done = {
        "status": Status.COMPLETE,
        "updated_at": now,
        "attributes": {"addresses": {"private": ["10.0.0.3"]}},
    }
    after = replace(event, id=str(uuid.uuid4()), status=Status.COMPLETE)
    await journal.write(Update(Resource, resource.id, done), Insert(after), fence=fence)


async def measure_writes(database: Database, changes: int, writers: int) -> None:
    journal = Journal(database)
    stack = a_stack(f"bench-{uuid.uuid4()}")
    await journal.write(Insert(stack))
    epoch = await leases.claim(database, stack.id, "bench", timedelta(minutes=10))
    assert epoch is not None
    fence = Fence(stack.id, epoch)
    names = iter([f"r{n}" for n in range(changes // CHANGES_PER_RESOURCE)])

    async def writer() -> None:
        for name in names:
            await one_resource(journal, stack, name, fence)

    wall, cpu = time.perf_counter(), time.process_time()
    async with asyncio.TaskGroup() as group:
        for _ in range(writers):
            group.create_task(writer())
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    each = 1e6 / changes
    print(
        f"{changes} changes, {writers} writers, {journal.commits} commits: {changes / wall:,.0f}/s,", end=" "
    )
    print(f"per change {wall * each:.1f} µs wall, {cpu * each:.1f} µs CPU")
    await journal.close()


async def measure_read(name: str, read: Callable[[], Awaitable[object]], times: int = 2000) -> None:
    await read()
    wall, cpu = time.perf_counter(), time.process_time()
    for _ in range(times):
        await read()
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    print(f"{name}: {wall / times * 1e3:.3f} ms wall, {cpu / times * 1e3:.3f} ms CPU")


async def main(url: str, changes: int, writers: int) -> None:
    began = time.perf_counter()
    database = await Database.open(url, FernetSealer())
    await upgrade(database)
    print(f"open and migrate: {time.perf_counter() - began:.2f} s")
    for count in (writers, 1):
        await measure_writes(database, changes if count > 1 else min(changes, 3000), count)
    journal = Journal(database)
    some = [a_stack(f"listed-{uuid.uuid4()}") for _ in range(200)]
    await journal.write(*(Insert(stack) for stack in some))
    await journal.close()
    await measure_read("one stack", lambda: stacks.get(database, some[7].id, "project"))
    await measure_read("20 stacks", lambda: stacks.listed(database, "project", page=Page(limit=20)))
    await database.close()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--url", default="")
    parser.add_argument("--changes", type=int, default=40_002)
    parser.add_argument("--writers", type=int, default=200)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        asyncio.run(
            main(given.url or f"sqlite:///{Path(directory) / 'bench.db'}", given.changes, given.writers)
        )
