"""Stacks of objects that exist already: what an abandoned stack gave is taken over whole."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from stackd.db import resources
from stackd.db.journal import Change, Update
from stackd.engine.usecases import abandoning, adopting, signals
from stackd.engine.usecases.requests import StackRequest
from stackd.errors import ActionInProgress, BadRequest, NotSupported, StackdError
from stackd.records import Action, Resource, Stack, Status
from tests.engine.usecases.test_abandoning import TEMPLATE, made, permit
from tests.support.engine import Process, World
from tests.support.templates import hot
from tests.support.waiting import until


async def abandoned(process: Process) -> dict[str, Any]:
    stack = await made(process)
    data = await abandoning.abandon(process.engine, process.caller, stack)
    await process.done(stack)
    return data


async def adopt(process: Process, data: Any, **options: Any) -> Stack:
    permit(process)
    request = StackRequest(name="taken", **options)
    text = data if isinstance(data, str) else json.dumps(data)
    return await adopting.adopt(process.engine, process.caller, request, text)


def ids(data: dict[str, Any]) -> set[str]:
    found: set[str] = set()
    for each in data["resources"].values():
        found |= ids(each) if "resources" in each else {each["resource_id"]}
    return found


async def test_what_one_stack_gave_up_is_whole_in_another_and_an_update_changes_nothing(
    stackd_world: World,
) -> None:
    async with stackd_world.process() as process:
        data = await abandoned(process)
        stack = await process.done(await adopt(process, data))
        assert (stack.action, stack.status) == (Action.ADOPT, Status.COMPLETE)
        assert stack.reason == "Stack ADOPT completed successfully"
        rows = await resources.of_tree(process.db, stack.id)
        assert {(row.action, row.status) for row in rows} == {(Action.ADOPT, Status.COMPLETE)}
        objects = {row.physical_id for row in rows if row.nested_stack_id is None}
        assert objects == ids(data) == {each["id"] for each in stackd_world.objects("networks")}
        assert "net ADOPT_IN_PROGRESS" in await process.told(stack)

        stack = await process.done(await process.update(stack, TEMPLATE, parameters={"name": "secret-name"}))
        assert stackd_world.counts() == {"networks": 3}
        await process.done(await process.delete(stack))
        assert stackd_world.counts() == {}


async def test_adoption_that_dies_anywhere_is_completed_and_makes_nothing(stackd_world: World) -> None:
    async with stackd_world.process() as process:
        data = await abandoned(process)

    def begins(change: Change) -> bool:
        return isinstance(change, Update) and change.kind is Resource and "physical_id" in change.values

    async with stackd_world.process(dies_on=begins, after=True) as process:
        stack = await adopt(process, data)
        await process.journal.died.wait()
    async with stackd_world.process() as process:
        with pytest.raises(ActionInProgress):
            await process.update(stack, hot({}))
        stack = await process.done(stack)
        assert (stack.action, stack.status) == (Action.ADOPT, Status.COMPLETE)
        assert stackd_world.counts() == {"networks": 3}


async def test_objects_that_are_not_named_or_not_there_fail_and_a_rollback_leaves_the_others(
    stackd_world: World,
) -> None:
    async with stackd_world.process() as process:
        data = await abandoned(process)
        del data["resources"]["group"]["resources"]["1"]["resource_id"]
        stack = await process.done(await adopt(process, data, disable_rollback=False))
        assert (stack.action, stack.status) == (Action.ROLLBACK, Status.COMPLETE)
        reasons = [each.reason for each in await process.events(stack)]
        assert any("resources.group.resources.1: Resource ID was not provided." in each for each in reasons)
        assert stackd_world.counts() == {"networks": 3}
        await process.done(await process.delete(stack))
        data["resources"]["net"]["resource_id"] = "11111111-1111-1111-1111-111111111111"
        stack = await process.done(await adopt(process, data))
        assert (stack.action, stack.status) == (Action.ADOPT, Status.FAILED)


async def test_files_and_environment_of_the_data_come_along_and_those_of_the_request_come_first(
    stackd_world: World,
) -> None:
    inner = json.dumps(hot({"net": {"type": "Site::Net"}}))
    around = {"resource_registry": {"Site::Net": "OS::Neutron::Net"}}
    template = hot({"inner": {"type": "inner.yaml"}})
    async with stackd_world.process() as process:
        permit(process)
        made = await process.create("made", template, files={"inner.yaml": inner}, environment=around)
        await process.done(made)
        data = await abandoning.abandon(process.engine, process.caller, made)
        await process.done(made)

        taken = await process.done(await adopt(process, data))
        assert (taken.action, taken.status) == (Action.ADOPT, Status.COMPLETE)
        assert stackd_world.counts() == {"networks": 1}
        left = await abandoning.abandon(process.engine, process.caller, taken)
        await process.done(taken)
        assert (left["environment"], left["files"]) == (data["environment"], data["files"])

        with pytest.raises(StackdError, match="Site::Net"):
            await adopt(process, data, environment={"resource_registry": {}})
        with pytest.raises(BadRequest, match="files are not a map of names to texts"):
            await adopt(process, {**data, "files": {"inner.yaml": 1}})
        with pytest.raises(BadRequest, match="parameters are not a map of names to values"):
            await adopt(process, {**data, "environment": {"parameters": 1}})
        empty = json.dumps(hot({}))
        taken = await process.done(await adopt(process, data, files={"inner.yaml": empty}))
        assert (taken.action, taken.status) == (Action.ADOPT, Status.COMPLETE)


async def test_credentials_of_other_stacks_guests_are_not_taken(stackd_world: World) -> None:
    async with stackd_world.process() as process:
        data = {
            "template": hot({"word": {"type": "OS::Heat::RandomString"}}),
            "resources": {
                "word": {
                    "resource_id": "word",
                    "metadata": {"a": 1},
                    "resource_data": {"value": "drawn", "stack_user": {"user_id": "another"}},
                }
            },
        }
        stack = await process.done(await adopt(process, data))
        row = (await process.rows(stack))["word"]
        assert (row.data, row.metadata) == ({"value": "drawn"}, {"a": 1})


def signalled(handle: str) -> dict[str, Any]:
    """A stack whose condition waits for a signal, with a policy that scales a group."""
    aws = handle.startswith("AWS")
    condition = "AWS::CloudFormation::WaitCondition" if aws else "OS::Heat::WaitCondition"
    names = ("Handle", "Timeout", "Count") if aws else ("handle", "timeout", "count")
    values = ({"get_resource": "handle"}, 60, 1)
    group = {"min_size": 1, "max_size": 9, "resource": MEMBER}
    policy = {"adjustment_type": "change_in_capacity", "scaling_adjustment": 1}
    return hot(
        {
            "handle": {"type": handle},
            "condition": {"type": condition, "properties": dict(zip(names, values, strict=True))},
            "group": {"type": "OS::Heat::AutoScalingGroup", "properties": group},
            "policy": {
                "type": "OS::Heat::ScalingPolicy",
                "properties": policy | {"auto_scaling_group_id": {"get_resource": "group"}},
            },
        }
    )


SIGNALS = {
    "OS::Heat::WaitConditionHandle": {"id": "1", "data": "said"},
    "AWS::CloudFormation::WaitConditionHandle": {
        "UniqueId": "1",
        "Data": "said",
        "Status": "SUCCESS",
        "Reason": "done",
    },
}


def whole(made: World) -> dict[str, int]:
    """What there is, but for the security groups that Neutron makes for projects by itself."""
    return {kind: number for kind, number in made.counts().items() if not kind.startswith("security_group")}


@pytest.mark.parametrize("handle", SIGNALS)
async def test_what_guests_signal_to_has_users_of_its_own_and_the_signals_that_came_before(
    stackd_world: World, handle: str
) -> None:
    async with stackd_world.process() as process:
        permit(process)

        async def signal(stack: Stack, name: str, details: Any) -> None:
            await signals.signal(process.engine, process.caller, stack, name, details)

        stack = await process.create("given", signalled(handle))

        async def handle_stands() -> bool:
            return "handle CREATE_COMPLETE" in await process.told(stack)

        await until(handle_stands)
        await signal(stack, "handle", SIGNALS[handle])
        stack = await process.done(stack)
        assert stack.status is Status.COMPLETE, stack.reason
        old = (await process.rows(stack))["handle"]
        data = await abandoning.abandon(process.engine, process.caller, stack)
        await process.done(stack)
        assert whole(stackd_world) == {"networks": 1}

        stack = await process.done(await adopt(process, data))
        assert (stack.action, stack.status) == (Action.ADOPT, Status.COMPLETE), stack.reason
        rows = await process.rows(stack)
        new = rows["handle"]
        assert new.metadata == old.metadata
        assert new.physical_id != old.physical_id
        assert {new.physical_id, rows["policy"].physical_id} == {
            each["id"] for each in stackd_world.objects("users")
        }
        shared = {key for key in new.data.keys() & old.data.keys() if new.data[key] == old.data[key]}
        assert shared <= {"stack_user_name"}
        await signal(stack, "handle", SIGNALS[handle])
        await signal(stack, "policy", None)
        await process.done(stack)
        assert whole(stackd_world)["networks"] == 2
        stack = await process.done(await process.update(stack, signalled(handle)))
        assert stack.status is Status.COMPLETE, stack.reason
        await process.done(await process.delete(stack))
        assert whole(stackd_world) == {}


async def test_users_that_an_adoption_makes_are_made_once_whatever_dies(stackd_world: World) -> None:
    async with stackd_world.process() as process:
        permit(process)
        stack = await process.done(await process.create("given", hot({"handle": {"type": TOKENS}})))
        data = await abandoning.abandon(process.engine, process.caller, stack)
        await process.done(stack)

    def keeps_user(change: Change) -> bool:
        is_row = isinstance(change, Update) and change.kind is Resource
        return is_row and "stack_user" in (change.values.get("data") or {})

    for after in (False, True):
        async with stackd_world.process(dies_on=keeps_user, after=after) as process:
            stack = await adopt(process, data)
            await process.journal.died.wait()
        async with stackd_world.process() as process:
            stack = await process.done(stack)
            assert (stack.action, stack.status) == (Action.ADOPT, Status.COMPLETE), stack.reason
            assert len(stackd_world.objects("users")) == 1
            await process.done(await process.delete(stack))
            assert whole(stackd_world) == {}


TOKENS = "OS::Heat::WaitConditionHandle"


async def test_object_that_is_not_there_is_named_in_the_failure(stackd_world: World) -> None:
    async with stackd_world.process() as process:
        gone = "11111111-1111-1111-1111-111111111111"
        data = {"template": hot({"net": MEMBER}), "resources": {"net": {"resource_id": gone}}}
        stack = await process.done(await adopt(process, data))
        assert (stack.action, stack.status) == (Action.ADOPT, Status.FAILED)
        assert f"resources.net: There is no {gone} to adopt: " in stack.reason


async def test_data_are_refused_before_anything_happens(stackd_world: World) -> None:
    async with stackd_world.process() as process:
        with pytest.raises(BadRequest, match=r"^Invalid adopt data: The template is not a JSON object"):
            await adopt(process, "nope")
        with pytest.raises(BadRequest, match="no template"):
            await adopt(process, {"resources": {}})
        for resources in ([1], "net", 5):
            with pytest.raises(BadRequest, match=r"^Invalid adopt data: Its resources are not a map"):
                await adopt(process, {"template": hot({}), "resources": resources})
        request = StackRequest(name="taken")
        process.engine.limits = process.engine.limits.model_copy(update={"enable_stack_adopt": False})
        with pytest.raises(NotSupported, match=r"Stack Adopt is not supported\."):
            await adopting.adopt(process.engine, process.caller, request, json.dumps({"template": hot({})}))


MEMBER = {"type": "OS::Neutron::Net"}


def scaling(size: int) -> dict[str, Any]:
    properties = {"min_size": 0, "max_size": 9, "desired_capacity": size, "resource": MEMBER}
    return hot({"group": {"type": "OS::Heat::AutoScalingGroup", "properties": properties}})


def counted(size: int) -> dict[str, Any]:
    removed = [{"resource_list": ["0"]}] if size == 2 else []
    properties = {"count": size, "resource_def": MEMBER, "removal_policies": removed}
    return hot({"group": {"type": "OS::Heat::ResourceGroup", "properties": properties}})


def instances(size: int) -> dict[str, Any]:
    conf = {"ImageId": "cirros", "InstanceType": "m1.tiny"}
    properties = {
        "AvailabilityZones": ["nova"],
        "LaunchConfigurationName": {"get_resource": "conf"},
        "MinSize": 0,
        "MaxSize": 9,
        "DesiredCapacity": size,
    }
    return hot(
        {
            "conf": {"type": "AWS::AutoScaling::LaunchConfiguration", "properties": conf},
            "group": {"type": "AWS::AutoScaling::AutoScalingGroup", "properties": properties},
        }
    )


@pytest.mark.parametrize("template", [scaling, counted, instances])
async def test_members_of_groups_are_adopted_by_the_names_that_they_have(
    stackd_world: World, template: Callable[[int], dict[str, Any]]
) -> None:
    async with stackd_world.process() as process:
        permit(process)
        stack = await process.done(await process.create("given", template(3)))
        for size in (2, 4):  # some of the first members go
            stack = await process.done(await process.update(stack, template(size)))
            assert stack.status is Status.COMPLETE, stack.reason
        before = stackd_world.counts()
        data = await abandoning.abandon(process.engine, process.caller, stack)
        await process.done(stack)

        stack = await process.done(await adopt(process, data))
        assert (stack.action, stack.status) == (Action.ADOPT, Status.COMPLETE), stack.reason
        group = (await process.rows(stack))["group"]
        members = await process.rows(replace(stack, id=group.nested_stack_id or ""))
        assert set(members) == set(data["resources"]["group"]["resources"])
        stack = await process.done(await process.update(stack, template(4)))
        assert stack.status is Status.COMPLETE, stack.reason
        assert stackd_world.counts() == before
        stack = await process.done(await process.update(stack, template(5)))
        assert stack.status is Status.COMPLETE, stack.reason
        assert len(await process.rows(replace(stack, id=group.nested_stack_id or ""))) == 5
        await process.done(await process.delete(stack))
        assert stackd_world.counts() == {}


async def test_names_that_a_group_does_not_use_any_more_are_adopted_with_it(stackd_world: World) -> None:
    """That of the last member too, of which the others show nothing."""

    def group(size: int, *removed: str) -> dict[str, Any]:
        properties = {
            "count": size,
            "resource_def": MEMBER,
            "removal_policies": [{"resource_list": [*removed]}],
        }
        return hot({"group": {"type": "OS::Heat::ResourceGroup", "properties": properties}})

    async with stackd_world.process() as process:
        permit(process)
        stack = await process.done(await process.create("given", group(3)))
        stack = await process.done(await process.update(stack, group(2, "2")))
        data = await abandoning.abandon(process.engine, process.caller, stack)
        await process.done(stack)
        stack = await process.done(await adopt(process, data))
        assert (stack.action, stack.status) == (Action.ADOPT, Status.COMPLETE), stack.reason
        stack = await process.done(await process.update(stack, group(3)))
        assert stack.status is Status.COMPLETE, stack.reason
        inside = (await process.rows(stack))["group"].nested_stack_id or ""
        assert set(await process.rows(replace(stack, id=inside))) == {"0", "1", "3"}
        assert stackd_world.counts() == {"networks": 3}


@pytest.mark.parametrize("odd", [None, 7, [], {"name_blacklist": ["0"]}, {"name_blacklist": 1, "arn": "x"}])
async def test_odd_private_values_of_groups_are_ignored(stackd_world: World, odd: Any) -> None:
    async with stackd_world.process() as process:
        permit(process)
        stack = await process.done(await process.create("given", counted(3)))
        data = await abandoning.abandon(process.engine, process.caller, stack)
        await process.done(stack)
        data["resources"]["group"]["resource_data"] = odd
        stack = await process.done(await adopt(process, data))
        assert (stack.action, stack.status) == (Action.ADOPT, Status.COMPLETE), stack.reason
        assert stackd_world.counts() == {"networks": 3}
