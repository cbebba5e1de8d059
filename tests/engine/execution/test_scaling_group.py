"""A scaling group, from its creation over changes of its size and of its definition to its deletion."""

from dataclasses import replace
from typing import Any

from stackd.records import Status
from tests.support.engine import World


async def test_group_is_made_resized_changed_and_deleted(stackd_world: World) -> None:
    member: dict[str, Any] = {"type": "OS::Heat::TestResource", "properties": {"value": "a"}}
    properties: dict[str, Any] = {"min_size": 1, "max_size": 5, "desired_capacity": 3, "resource": member}
    template = {
        "heat_template_version": "2018-08-31",
        "resources": {"group": {"type": "OS::Heat::AutoScalingGroup", "properties": properties}},
        "outputs": {
            "size": {"value": {"get_attr": ["group", "current_size"]}},
            "values": {"value": {"get_attr": ["group", "outputs_list", "output"]}},
            "first": {"value": {"get_attr": ["group", "resource.0.output"]}},
        },
    }
    async with stackd_world.process() as process:
        stack = await process.done(await process.create("s", template))
        assert stack.status is Status.COMPLETE, stack.reason
        assert await process.outputs(stack) == {"size": 3, "values": ["a"] * 3, "first": "a"}
        row = (await process.rows(stack))["group"]
        inside = replace(stack, id=row.nested_stack_id or "")
        before = await process.rows(inside)
        assert {len(name) for name in before} == {12}

        properties["desired_capacity"] = 2
        stack = await process.done(await process.update(stack, template))
        assert stack.status is Status.COMPLETE, stack.reason
        fewer = await process.rows(inside)
        oldest = min(before.values(), key=lambda each: (each.created_at, each.name))
        assert set(before) - set(fewer) == {oldest.name}

        del properties["desired_capacity"]
        properties["min_size"] = 0
        member["properties"] = {"value": "b"}
        properties["rolling_updates"] = {"max_batch_size": 1, "min_in_service": 2}
        stack = await process.done(await process.update(stack, template))
        assert stack.status is Status.COMPLETE, stack.reason
        assert await process.outputs(stack) == {"size": 2, "values": ["b"] * 2, "first": "b"}
        assert set(await process.rows(inside)) == set(fewer)

        properties["desired_capacity"] = 4
        stack = await process.done(await process.update(stack, template))
        grown = await process.rows(inside)
        assert len(grown) == 4
        assert set(fewer) < set(grown)
        assert oldest.name not in grown
        assert (await process.done(await process.delete(stack))).deleted_at is not None


async def test_a_group_of_no_members_keeps_none_when_it_is_updated(stackd_world: World) -> None:
    properties: dict[str, Any] = {
        "min_size": 0,
        "max_size": 5,
        "desired_capacity": 2,
        "resource": {"type": "OS::Heat::TestResource"},
    }
    template: dict[str, Any] = {
        "heat_template_version": "2018-08-31",
        "resources": {"group": {"type": "OS::Heat::AutoScalingGroup", "properties": properties}},
        "outputs": {"size": {"value": {"get_attr": ["group", "current_size"]}}},
    }
    async with stackd_world.process() as process:
        stack = await process.done(await process.create("s", template))
        for desired, size in ((0, 0), (None, 0), (1, 1)):
            properties["desired_capacity"] = desired
            properties["max_size"] += 1
            stack = await process.done(await process.update(stack, template))
            assert stack.status is Status.COMPLETE, stack.reason
            assert await process.outputs(stack) == {"size": size}
