"""External resources: looked at and shown, never made, changed or deleted."""

from __future__ import annotations

import json
from typing import Any

import pytest

from stackd.engine.usecases import snapshots
from stackd.engine.usecases.queries import Reader
from stackd.errors import InvalidExternalResourceDependency, TemplateError
from stackd.records import Action, Resource, Stack, Status
from tests.support.actions import act, change, remove
from tests.support.engine import Process, World
from tests.support.templates import hot


def volume(**more: Any) -> dict[str, Any]:
    return {"type": "OS::Cinder::Volume", "properties": {"size": 1}, **more}


def external(identity: Any, **more: Any) -> dict[str, Any]:
    return {"type": "OS::Cinder::Volume", "external_id": identity, **more}


async def owned(process: Process) -> Resource:
    """The volume of another stack."""
    stack = await process.done(await process.create("owner", hot({"disk": volume()})))
    return (await process.rows(stack))["disk"]


async def ended(process: Process, stack: Stack, status: Status = Status.COMPLETE) -> Stack:
    stack = await process.done(stack)
    assert stack.status is status, stack.reason
    return stack


def group(member: dict[str, Any]) -> dict[str, Any]:
    properties = {"min_size": 1, "max_size": 1, "resource": member}
    return {"type": "OS::Heat::AutoScalingGroup", "properties": properties}


@pytest.mark.parametrize("way", ["plain", "nested", "group"])
@pytest.mark.parametrize("policy", ["Delete", "Snapshot"])
async def test_no_action_touches_what_is_not_ours(stackd_world: World, way: str, policy: str) -> None:
    async with stackd_world.process() as process:
        disk = await owned(process)
        mine = external(disk.physical_id, deletion_policy=policy)
        files = {"inner.yaml": json.dumps(hot({"mine": mine}))}
        resources = {"plain": mine, "nested": {"type": "inner.yaml"}, "group": group({"type": "inner.yaml"})}
        template = hot({"r": resources[way]})
        stack = await ended(process, await process.create("s", template, files=files))
        before = dict(stackd_world.objects("volumes")[0])
        for action in ("suspend", "resume", "check"):
            stack = await act(process, stack, action)
            assert stack.status is Status.COMPLETE, stack.reason
        await snapshots.take(process.engine, process.caller, stack, None)
        stack = await ended(process, stack)
        changed = {"changed": volume(), **template["resources"]}
        stack = await ended(process, await process.update(stack, hot(changed), files=files))
        await ended(process, await process.delete(stack))
        assert stackd_world.counts() == {"volumes": 1}
        assert dict(stackd_world.objects("volumes")[0]) == before


async def test_its_attributes_are_those_that_the_object_has_now(stackd_world: World) -> None:
    outputs = {"status": {"value": {"get_attr": ["mine", "status"]}}}
    async with stackd_world.process() as process:
        disk = await owned(process)
        template = hot({"mine": external(disk.physical_id)}, outputs=outputs)
        stack = await ended(process, await process.create("s", template))
        reader = Reader(process.engine)
        assert (await reader.output(stack, "status"))["value"] == "available"
        change(stackd_world, disk, status="in-use")
        process.engine.live._answers.clear()
        assert (await reader.output(stack, "status"))["value"] == "in-use"


async def test_object_that_is_not_there_is_refused_with_the_request(stackd_world: World) -> None:
    text = "Invalid external resource: Resource nowhere (OS::Cinder::Volume) can not be found."
    async with stackd_world.process() as process:
        with pytest.raises(TemplateError) as caught:
            await process.create("s", hot({"mine": external("nowhere")}))
        assert (str(caught.value), caught.value.path) == (text, "resources.mine.external_id")
        assert caught.value.remedy
        files = {"inner.yaml": json.dumps(hot({"mine": external("nowhere")}))}
        with pytest.raises(TemplateError) as caught:
            await process.create("s", hot({"r": {"type": "inner.yaml"}}), files=files)
        assert caught.value.path == "resources.r<inner.yaml>.resources.mine.external_id"
        stack = await ended(process, await process.create("s", hot({})))
        with pytest.raises(TemplateError, match="Invalid external resource"):
            await process.update(stack, hot({"mine": external("nowhere")}))
        assert stackd_world.counts() == {}


async def test_hidden_id_is_not_shown_where_the_object_is_not_there(stackd_world: World) -> None:
    parameters = {"id": {"type": "string", "hidden": True}}
    template = hot({"mine": external({"get_param": "id"})}, parameters=parameters)
    async with stackd_world.process() as process:
        with pytest.raises(TemplateError) as caught:
            await process.create("s", template, parameters={"id": "hush-hush"})
        assert "Resource ****** (OS::Cinder::Volume)" in str(caught.value)
        assert "hush" not in repr((str(caught.value), caught.value.value, caught.value.remedy))


async def test_nothing_may_depend_on_it_by_name_but_its_attributes_may_be_used(stackd_world: World) -> None:
    copy = {"type": "OS::Heat::Value", "properties": {"value": {"get_attr": ["mine", "size"]}}}
    async with stackd_world.process() as process:
        disk = await owned(process)
        mine = external(disk.physical_id)
        with pytest.raises(InvalidExternalResourceDependency) as caught:
            await process.create("s", hot({"mine": mine, "v": {**copy, "depends_on": ["mine"]}}))
        assert caught.value.path == "resources.v.depends_on[0]"
        await ended(process, await process.create("s", hot({"mine": mine, "v": copy})))


async def test_it_can_be_taken_in_and_left_but_not_turned_into_another(stackd_world: World) -> None:
    async with stackd_world.process() as process:
        disk = await owned(process)
        template = hot({"mine": external(disk.physical_id), "other": volume()})
        stack = await ended(process, await process.create("s", template))
        other = (await process.rows(stack))["other"].physical_id
        for changed in (volume(), external(other)):
            changes = hot({"mine": changed, "other": volume()})
            failed = await ended(process, await process.update(stack, changes), Status.FAILED)
            assert failed.reason.endswith(
                "Update to property external_id of mine (OS::Cinder::Volume) is not supported."
            )
        stack = await ended(process, await process.update(stack, template))
        assert (await process.rows(stack))["mine"].physical_id == disk.physical_id
        stack = await ended(process, await process.update(stack, hot({"other": volume()})))
        assert set(await process.rows(stack)) == {"other"}
        assert stackd_world.counts() == {"volumes": 2}
        stack = await ended(process, await process.update(stack, template))
        assert (await process.rows(stack))["mine"].action is Action.ADOPT


async def test_check_fails_once_the_object_is_gone_and_removing_it_from_the_template_heals_the_stack(
    stackd_world: World,
) -> None:
    async with stackd_world.process() as process:
        disk = await owned(process)
        stack = await ended(process, await process.create("s", hot({"mine": external(disk.physical_id)})))
        remove(stackd_world, disk)
        stack = await act(process, stack, "check")
        assert (stack.action, stack.status) == (Action.CHECK, Status.FAILED)
        assert (await process.rows(stack))["mine"].status is Status.FAILED
        stack = await ended(process, await process.update(stack, hot({})))
        await ended(process, await process.delete(stack))
