"""Guests in the instances of a stack, as far as they report that all is set up."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

from stackd.db import resources, stacks
from stackd.engine.usecases import signals
from stackd.records import Stack, Status
from tests.support.engine import Process

HANDLE = "AWS::CloudFormation::WaitConditionHandle"
SUCCESS = {"Status": "SUCCESS", "Reason": "Done", "UniqueId": "guest", "Data": "All is set up"}


@contextlib.asynccontextmanager
async def guests(process: Process, stack: Stack) -> AsyncIterator[None]:
    """What runs in instances: once all of a stack do, it reports to each handle there."""
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
            handles = [row for row in rows if row.kind == HANDLE and row.id not in done]
            instances = [row for row in rows if row.kind == "AWS::EC2::Instance"]
            runs = instances and all(row.status is Status.COMPLETE for row in (*instances, *handles))
            for handle in handles if runs else ():
                await signals.signal(process.engine, process.caller, stack, handle.name, SUCCESS)
                done.add(handle.id)
        await asyncio.sleep(0.1)
