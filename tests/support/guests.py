"""Guests in the servers of a stack, as far as they report that all is set up."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping
from typing import Any, Final

from stackd.db import resources, stacks
from stackd.engine.usecases import signals
from stackd.records import Stack, Status
from tests.support.engine import Process

SERVERS: Final = frozenset({"AWS::EC2::Instance", "OS::Nova::Server"})

REPORTS: Final[Mapping[str, Mapping[str, Any]]] = {
    "AWS::CloudFormation::WaitConditionHandle": {
        **{"Status": "SUCCESS", "Reason": "Done", "UniqueId": "guest", "Data": "All is set up"}
    },
    "OS::Heat::WaitConditionHandle": {
        **{"status": "SUCCESS", "reason": "Done", "id": "guest", "data": "All is set up"}
    },
}
"""What is sent to the handles of a type, again if the answer is lost: the same report counts once."""


@contextlib.asynccontextmanager
async def guests(process: Process, stack: Stack) -> AsyncIterator[None]:
    """What runs in servers: once all of a stack do, it reports to each handle there."""
    task = asyncio.create_task(_report(process, stack))
    try:
        yield
    finally:
        task.cancel()


async def _report(process: Process, root: Stack) -> None:
    done: set[str] = set()
    while True:
        for stack in [root, *await stacks.tree(process.db, root.id)]:
            rows = await resources.of_stack(process.db, stack.id)
            handles = [row for row in rows if row.kind in REPORTS and row.id not in done]
            servers = [row for row in rows if row.kind in SERVERS]
            runs = servers and all(row.status is Status.COMPLETE for row in (*servers, *handles))
            for handle in handles if runs else ():
                await signals.signal(process.engine, process.caller, stack, handle.name, REPORTS[handle.kind])
                done.add(handle.id)
        await asyncio.sleep(0.1)
