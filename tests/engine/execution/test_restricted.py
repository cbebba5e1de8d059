"""What an environment restricts fails, and the resource stays as it was."""

from __future__ import annotations

from typing import Any

import pytest

from stackd.records import Action, Stack, Status
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
