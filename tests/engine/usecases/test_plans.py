"""Saved plans in the engine: what their execution may do, and how it ends."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from stackd.engine.usecases import plans
from stackd.engine.usecases.requests import StackRequest
from stackd.records import Action, SavedPlan, Stack, Status
from tests.support.engine import Process, World


def template(length: int, value: str) -> dict[str, Any]:
    return {
        "heat_template_version": "2018-08-31",
        "resources": {
            "word": {"type": "OS::Heat::RandomString", "properties": {"length": length}},
            "kept": {"type": "OS::Heat::Value", "properties": {"value": value}},
        },
    }


async def planned(process: Process, stack: Stack, verbs: dict[str, str]) -> SavedPlan:
    """A saved plan that replaces ``word`` and updates ``kept``, but says ``verbs`` of them."""
    request = StackRequest(template=template(9, "b"))
    draft = await plans.draft_update(process.engine, process.caller, stack, request, observe=False)
    steps = [step | {"verb": verbs[step["path"][0]]} for step in draft.saved.content["steps"]]
    content = {**draft.saved.content, "steps": steps}
    return await plans.save(process.engine, replace(draft, saved=replace(draft.saved, content=content)))


async def executed(process: Process, saved: SavedPlan) -> Stack:
    return await process.done(await plans.execute(process.engine, process.caller, saved.id))


async def test_resource_that_needs_more_than_was_planned_fails_and_stays(stackd_world: World) -> None:
    async with stackd_world.process() as process:
        stack = await process.done(await process.create("bounded", template(8, "a")))
        before = await process.rows(stack)
        end = await executed(process, await planned(process, stack, {"word": "update", "kept": "update"}))

        assert (end.action, end.status) == (Action.UPDATE, Status.FAILED)
        assert "word would need replace where the executed plan says update" in end.reason
        assert (await process.rows(stack))["word"].physical_id == before["word"].physical_id


async def test_less_than_was_planned_is_done(stackd_world: World) -> None:
    async with stackd_world.process() as process:
        stack = await process.done(await process.create("less", template(8, "a")))
        before = await process.rows(stack)
        end = await executed(process, await planned(process, stack, {"word": "replace", "kept": "replace"}))

        assert (end.action, end.status) == (Action.UPDATE, Status.COMPLETE)
        after = await process.rows(stack)
        assert after["kept"].id == before["kept"].id
        assert after["kept"].properties["value"] == "b"


async def test_rollback_of_an_executed_plan_is_not_bound_by_it(stackd_world: World) -> None:
    async with stackd_world.process() as process:
        made = await process.create("back", template(8, "a"), disable_rollback=False)
        stack = await process.done(made)
        end = await executed(process, await planned(process, stack, {"word": "update", "kept": "update"}))

        assert (end.action, end.status) == (Action.ROLLBACK, Status.COMPLETE)
        assert (await process.rows(stack))["kept"].properties["value"] == "a"
