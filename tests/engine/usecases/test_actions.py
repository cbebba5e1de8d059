"""Actions are accepted for what they are for, and refused else."""

from __future__ import annotations

import pytest

from stackd.engine.usecases import actions
from stackd.errors import NotSupported
from tests.support.engine import World

TEMPLATE = {"heat_template_version": "2018-08-31"}


@pytest.mark.parametrize("action", ["suspend", "resume", "check"])
async def test_action_that_is_not_there_yet_is_refused(stackd_world: World, action: str) -> None:
    async with stackd_world.process() as process:
        stack = await process.done(await process.create("s", TEMPLATE))
        with pytest.raises(NotSupported, match=f"The action {action} on stack s is not supported."):
            await actions.act(process.engine, process.caller, stack, action)


@pytest.mark.parametrize("action", ["cancel_update", "cancel_without_rollback"])
async def test_what_does_not_run_cannot_be_cancelled(stackd_world: World, action: str) -> None:
    async with stackd_world.process() as process:
        stack = await process.done(await process.create("s", TEMPLATE))
        with pytest.raises(NotSupported, match="CREATE_COMPLETE"):
            await actions.act(process.engine, process.caller, stack, action)
