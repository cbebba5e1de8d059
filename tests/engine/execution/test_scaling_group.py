"""A scaling group, from its creation over changes of its size and of its definition to its deletion."""

from dataclasses import replace
from typing import Any

from stackd.db.journal import Change, Update
from stackd.records import Resource, Status
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

        properties |= {"desired_capacity": None, "min_size": 0}
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


async def test_rolling_change_keeps_its_pace_after_a_crash(stackd_world: World) -> None:
    member: dict[str, Any] = {"type": "OS::Heat::TestResource", "properties": {"value": "a"}}
    rolling = {"max_batch_size": 1, "min_in_service": 3}
    properties = {"min_size": 4, "max_size": 4, "resource": member, "rolling_updates": rolling}
    template = {
        "heat_template_version": "2018-08-31",
        "resources": {"group": {"type": "OS::Heat::AutoScalingGroup", "properties": properties}},
    }
    changed: list[str] = []

    def is_second_change(change: Change) -> bool:
        """The write by which the second member has the new value."""
        if isinstance(change, Update) and change.kind is Resource:
            done = (change.values.get("status"), change.values.get("previous_properties", "")) == (
                Status.COMPLETE,
                None,
            )
            changed.extend([change.id] if done else [])
        return len(changed) == 2

    async with stackd_world.process() as process:
        stack = await process.done(await process.create("s", template))
        inside = replace(stack, id=(await process.rows(stack))["group"].nested_stack_id or "")
        before = len(await process.events(inside))
    member["properties"] = {"value": "b"}
    async with stackd_world.process(dies_on=is_second_change) as process:
        await process.update(stack, template)
        await process.journal.died.wait()
    async with stackd_world.process() as process:
        stack = await process.done(stack)
        assert stack.status is Status.COMPLETE, stack.reason
        events = (await process.events(inside))[before:]
        at_work: set[str] = set()
        for event in events:
            if event.resource_name.startswith("s-group-"):
                at_work.clear()
            elif event.status is Status.IN_PROGRESS:
                at_work.add(event.resource_name)
            assert len(at_work) <= 1
        assert {row.properties["value"] for row in (await process.rows(inside)).values()} == {"b"}
