"""What an environment restricts fails, and the resource stays as it was."""

from __future__ import annotations

from typing import Any

import pytest

from stackd.db.journal import Update
from stackd.engine.planning.plan import Plan
from stackd.engine.usecases import plans, stacks
from stackd.engine.usecases.requests import StackRequest
from stackd.records import Action, Resource, SavedPlan, Stack, Status
from tests.support.actions import a_server, act
from tests.support.engine import Process, World


def template(**properties: Any) -> dict[str, Any]:
    resource = {"type": "OS::Heat::TestResource", "properties": properties}
    return {"heat_template_version": "2018-08-31", "resources": {"a": resource}}


def restricted(*actions: str, name: str = "a") -> dict[str, Any]:
    return {"resource_registry": {"resources": {name: {"restricted_actions": list(actions)}}}}


async def last_event(process: Process, stack: Stack, name: str) -> tuple[str, str]:
    found = [each for each in await process.events(stack) if each.resource_name == name][-1]
    return f"{found.action}_{found.status}", found.reason


@pytest.mark.parametrize(
    ("action", "change"), [("update", {"value": "2"}), ("replace", {"update_replace": True, "value": "2"})]
)
async def test_a_restricted_change_fails_and_changes_nothing(
    stackd_world: World, action: str, change: dict[str, Any]
) -> None:
    async with stackd_world.process() as process:
        stack = await process.done(await process.create("s", template(value="1")))
        before = (await process.rows(stack))["a"]
        await process.update(stack, template(**change), environment=restricted(action))
        failed = await process.done(stack)
        assert failed.status is Status.FAILED
        assert failed.reason == (
            f"Resource UPDATE failed: ResourceActionRestricted: resources.a: "
            f"{action} is restricted for resource."
        )
        after = (await process.rows(stack))["a"]
        assert (after.action, after.status) == (Action.CREATE, Status.COMPLETE)
        assert (after.properties, after.physical_id) == (before.properties, before.physical_id)
        assert await last_event(process, stack, "a") == (
            "UPDATE_FAILED",
            f"{action} is restricted for resource.",
        )


async def test_what_is_not_restricted_goes_on(stackd_world: World) -> None:
    async with stackd_world.process() as process:
        stack = await process.done(await process.create("s", template(value="1")))
        await process.update(stack, template(value="2"), environment=restricted("replace"))
        assert (await process.done(stack)).status is Status.COMPLETE
        await process.update(stack, template(value="2"), environment=restricted("update", "replace"))
        assert (await process.done(stack)).status is Status.COMPLETE


async def test_a_change_of_type_counts_as_a_replacement(stackd_world: World) -> None:
    async with stackd_world.process() as process:
        stack = await process.done(await process.create("s", template(value="1")))
        other = {
            "heat_template_version": "2018-08-31",
            "resources": {"a": {"type": "OS::Heat::RandomString"}},
        }
        await process.update(stack, other, environment=restricted("replace", name="*"))
        assert (await process.done(stack)).status is Status.FAILED
        assert (await process.rows(stack))["a"].type == "OS::Heat::TestResource"


async def test_resources_of_nested_stacks_are_restricted_too(stackd_world: World) -> None:
    def group(value: str) -> dict[str, Any]:
        member = {"type": "OS::Heat::TestResource", "properties": {"value": value}}
        made = {"type": "OS::Heat::ResourceGroup", "properties": {"count": 1, "resource_def": member}}
        return {"heat_template_version": "2018-08-31", "resources": {"group": made}}

    inside = {"resource_registry": {"resources": {"group": {"0": {"restricted_actions": "update"}}}}}
    async with stackd_world.process() as process:
        stack = await process.done(await process.create("s", group("1")))
        await process.update(stack, group("2"), environment=inside)
        failed = await process.done(stack)
        assert failed.reason.endswith("resources.group.resources.0: update is restricted for resource.")
        await process.update(stack, group("3"), environment=restricted("update", name="group"))
        failed = await process.done(stack)
        assert failed.reason.endswith("resources.group: update is restricted for resource.")


async def test_a_rollback_may_change_what_is_restricted(stackd_world: World) -> None:
    async with stackd_world.process() as process:
        environment = restricted("update")
        stack = await process.create(
            "s", template(value="1"), environment=environment, disable_rollback=False
        )
        await process.done(stack)
        broken = template(value="2")
        broken["resources"]["b"] = {
            "type": "OS::Heat::TestResource",
            "properties": {"fail": True, "wait_secs": 0},
            "depends_on": "a",
        }
        await process.update(stack, broken)
        back = await process.done(stack)
        assert (back.action, back.status) == (Action.ROLLBACK, Status.COMPLETE)
        assert (await process.rows(stack))["a"].properties["value"] == "1"


# --- plans ------------------------------------------------------------------------------------------------


async def planned(process: Process, stack: Stack, content: Any, environment: Any) -> SavedPlan:
    request = StackRequest(template=content, environment=environment)
    draft = await plans.draft_update(process.engine, process.caller, stack, request, observe=False)
    return draft.saved


def refusals(saved: SavedPlan) -> dict[str, str]:
    return {"/".join(step.path): step.refused for step in Plan.of_data(saved.content).refused()}


def counted(saved: SavedPlan) -> dict[str, int]:
    return {verb: count for verb, count in saved.options["summary"].items() if count}


@pytest.mark.parametrize(
    ("action", "change"), [("update", {"value": "2"}), ("replace", {"update_replace": True, "value": "2"})]
)
async def test_plan_says_which_change_is_refused_and_counts_it_apart(
    stackd_world: World, action: str, change: dict[str, Any]
) -> None:
    async with stackd_world.process() as process:
        stack = await process.done(await process.create("s", template(value="1")))
        saved = await planned(process, stack, template(**change), restricted(action))
        assert refusals(saved) == {
            "a": f"{action} is restricted for resource. The environment has it in restricted_actions."
        }
        assert counted(saved) == {"refused": 1}
        assert plans.contents(saved)["steps"][0]["verb"] == action
        request = StackRequest(template=template(**change), environment=restricted(action))
        found = await stacks.preview_update(process.engine, process.caller, stack, request)
        (item,) = found.lists(nested=False)[f"{action}d"]
        assert item.reason is not None
        assert item.reason.startswith(f"{action} is restricted for resource. ")
        (other,) = {"update", "replace"} - {action}
        saved = await planned(process, stack, template(**change), restricted(other))
        assert (refusals(saved), counted(saved)) == ({}, {action: 1})
        saved = await planned(process, stack, template(value="1"), restricted("update", "replace"))
        assert (refusals(saved), counted(saved)) == ({}, {"keep": 1})


async def test_plan_refuses_what_is_restricted_inside_and_around_a_nested_stack(stackd_world: World) -> None:
    def group(value: str) -> dict[str, Any]:
        member = {"type": "OS::Heat::TestResource", "properties": {"value": value}}
        made = {"type": "OS::Heat::ResourceGroup", "properties": {"count": 1, "resource_def": member}}
        return {"heat_template_version": "2018-08-31", "resources": {"group": made}}

    inside = {"resource_registry": {"resources": {"group": {"0": {"restricted_actions": "update"}}}}}
    async with stackd_world.process() as process:
        stack = await process.done(await process.create("s", group("1")))
        assert refusals(await planned(process, stack, group("2"), inside)).keys() == {"group/0"}
        around = restricted("update", name="group")
        assert refusals(await planned(process, stack, group("2"), around)).keys() == {"group"}
        assert refusals(await planned(process, stack, group("1"), around)) == {}


async def test_plan_does_not_refuse_what_may_turn_out_to_need_no_change(stackd_world: World) -> None:
    def content(length: int) -> dict[str, Any]:
        word = {"type": "OS::Heat::RandomString", "properties": {"length": length}}
        value = {"get_attr": ["word", "value"]}
        a = {"type": "OS::Heat::TestResource", "properties": {"value": value}}
        return {"heat_template_version": "2018-08-31", "resources": {"word": word, "a": a}}

    async with stackd_world.process() as process:
        stack = await process.done(await process.create("s", content(8)))
        saved = await planned(process, stack, content(9), restricted("update"))
        (step,) = (each for each in plans.contents(saved)["steps"] if each["path"] == ["a"])
        assert refusals(saved) == {}
        assert step["causes"][0]["rule"] == "update is restricted for resource."


async def test_plan_does_not_refuse_the_replacement_of_what_may_be_sound(stackd_world: World) -> None:
    content = {"heat_template_version": "2018-08-31", "resources": {"a": a_server()}}
    environment = restricted("update", "replace")
    async with stackd_world.process() as process:
        stack = await process.done(await process.create("s", content))
        before = (await process.rows(stack))["a"]
        failed = {"action": Action.RESUME, "status": Status.FAILED, "reason": "r"}
        await process.engine.services.journal.write(Update(Resource, before.id, failed))
        assert refusals(await planned(process, stack, content, environment)) == {}
        await process.update(stack, content, environment=environment)
        assert (await process.done(stack)).status is Status.COMPLETE
        failed = {"action": Action.CHECK, "status": Status.FAILED, "reason": "r"}
        await process.engine.services.journal.write(Update(Resource, before.id, failed))
        assert refusals(await planned(process, stack, content, environment)).keys() == {"a"}
        await process.update(stack, content, environment=environment)
        assert (await process.done(stack)).status is Status.FAILED
        assert (await process.rows(stack))["a"].physical_id == before.physical_id


async def test_plan_does_not_refuse_to_resume_what_rests(stackd_world: World) -> None:
    content = {"heat_template_version": "2018-08-31", "resources": {"a": a_server()}}
    environment = restricted("update", "replace")
    async with stackd_world.process() as process:
        stack = await process.done(await process.create("s", content))
        await act(process, stack, "suspend")
        stack = await act(process, stack, "check")
        saved = await planned(process, stack, content, environment)
        assert (refusals(saved), counted(saved)) == ({}, {"update": 1})
        await process.update(stack, content, environment=environment)
        assert (await process.done(stack)).status is Status.COMPLETE
