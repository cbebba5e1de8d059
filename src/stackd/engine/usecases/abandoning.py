"""Exports of stacks, and stacks that are given up while their objects stay in the cloud."""

from __future__ import annotations

from typing import Any

from stackd.engine.services.stack_data import exported, load_whole
from stackd.engine.usecases import stacks
from stackd.engine.usecases.access import Named, permitted
from stackd.engine.usecases.engine import Engine
from stackd.errors import ActionInProgress, NotSupported
from stackd.offload import in_thread
from stackd.records import Caller, Stack, Status


async def export(
    engine: Engine, caller: Caller, named: Named, *, rule: str = "stacks:export"
) -> dict[str, Any]:
    """A stack with all its resources, as a new stack could adopt them; secrets are not masked."""
    stack = await permitted(engine, caller, rule, named, live=True)
    if not engine.limits.enable_stack_abandon:
        raise NotSupported("Stack Export is not supported.")
    return await _data(engine, stack)


async def abandon(
    engine: Engine, caller: Caller, named: Named, *, rule: str = "stacks:abandon"
) -> dict[str, Any]:
    """Accept that a stack is deleted while its objects stay; what ``export`` gives of it.

    Nothing may be going on: what a running operation makes would be in the cloud and in no data.
    """
    stack = await permitted(engine, caller, rule, named, live=True)
    if not engine.limits.enable_stack_abandon:
        raise NotSupported("Stack Abandon is not supported.")
    data: dict[str, Any] = {}

    async def give_up(newest: Stack) -> Stack:
        if newest.status is Status.IN_PROGRESS:
            raise ActionInProgress(newest.name, newest.action)
        data.update(await _data(engine, newest))
        return await stacks.accept_deletion(engine, caller, newest, abandon=True)

    await stacks.on_newest(engine, stack, give_up)
    return data


async def _data(engine: Engine, stack: Stack) -> dict[str, Any]:
    data: dict[str, Any] = await in_thread(exported, await load_whole(engine.services.db, stack))
    return data
