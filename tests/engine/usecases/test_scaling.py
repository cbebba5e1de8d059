"""Signals to scaling policies: sizes, cooldown, what is ignored, and what the stacks around show then."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from stackd.db import operations, stacks
from stackd.engine.execution import scaling
from stackd.engine.usecases import signals
from stackd.errors import NotFound, ServiceUnavailable
from stackd.records import Action, Stack, Status
from stackd.resources.scaling import cooldown_end
from tests.support.engine import Process, World, unless_dead
from tests.support.templates import hot
from tests.support.waiting import until

GROUP = "OS::Heat::AutoScalingGroup"


def template(size: int = 1, **more: Any) -> Any:
    member = {"type": "OS::Heat::TestResource", "properties": {"value": "a"}}
    policy = {"auto_scaling_group_id": {"get_resource": "group"}, "adjustment_type": "change_in_capacity"}
    group = {"min_size": 0, "max_size": 5, "desired_capacity": size, "resource": member, **more}
    resources_ = {
        "group": {"type": GROUP, "properties": group},
        "up": {"type": "OS::Heat::ScalingPolicy", "properties": {**policy, "scaling_adjustment": 1}},
        "down": {"type": "OS::Heat::ScalingPolicy", "properties": {**policy, "scaling_adjustment": -1}},
        "slow": {
            "type": "OS::Heat::ScalingPolicy",
            "properties": {**policy, "scaling_adjustment": 2, "cooldown": 60},
        },
    }
    return hot(resources_) | {"outputs": {"size": {"value": {"get_attr": ["group", "current_size"]}}}}


@pytest.fixture
async def process(stackd_world: World) -> AsyncIterator[Process]:
    async with stackd_world.process() as made:
        yield made


async def made(process: Process, **options: Any) -> Stack:
    stack = await process.done(await process.create("s", template(**options)))
    assert stack.status is Status.COMPLETE, stack.reason
    return stack


async def inside(process: Process, stack: Stack) -> Stack:
    found = await stacks.get(process.db, (await process.rows(stack))["group"].nested_stack_id or "", None)
    assert found is not None
    return found


async def signal(process: Process, stack: Stack, policy: str) -> None:
    await signals.signal(process.engine, process.caller, stack, policy, None)


async def scaled(process: Process, stack: Stack, policy: str) -> int:
    """The number of members once a signal has had its effect."""
    await signal(process, stack, policy)
    child = await process.done(await inside(process, stack))
    assert child.status is Status.COMPLETE, child.reason
    return len(await process.rows(child))


async def test_signals_change_the_size_within_the_bounds_and_show_in_the_outputs(process: Process) -> None:
    stack = await made(process)
    assert [await scaled(process, stack, "up") for _ in range(5)] == [2, 3, 4, 5, 5]
    assert await process.outputs(stack) == {"size": 5}
    assert [await scaled(process, stack, "down") for _ in range(6)] == [4, 3, 2, 1, 0, 0]
    assert await process.outputs(stack) == {"size": 0}
    assert await scaled(process, stack, "up") == 1


async def test_outputs_around_a_template_that_has_the_group_show_the_new_size(process: Process) -> None:
    around = hot({"web": {"type": "web.yaml"}}) | {
        "outputs": {"size": {"value": {"get_attr": ["web", "size"]}}}
    }
    files = {"web.yaml": json.dumps(template())}
    stack = await process.done(await process.create("s", around, files=files))
    assert await process.outputs(stack) == {"size": 1}
    web = await stacks.get(process.db, (await process.rows(stack))["web"].nested_stack_id or "", None)
    assert web is not None
    assert await scaled(process, web, "up") == 2
    assert await process.outputs(stack) == {"size": 2}


async def test_a_signal_is_an_update_of_the_groups_stack_and_an_event_of_the_policy(process: Process) -> None:
    stack = await made(process)
    await scaled(process, stack, "up")
    told = await process.told(await inside(process, stack))
    assert [each.partition(" ")[2] for each in told][-4:] == [
        "UPDATE_IN_PROGRESS",
        "CREATE_IN_PROGRESS",
        "CREATE_COMPLETE",
        "UPDATE_COMPLETE",
    ]
    assert (await process.told(stack))[-1] == "up SIGNAL_COMPLETE"
    assert (await process.stack(stack)).action is Action.CREATE
    assert (await process.rows(stack))["group"].action is Action.CREATE


async def test_a_signal_that_changes_nothing_leaves_no_trace(process: Process) -> None:
    stack = await made(process, size=5)
    before = await process.told(stack)
    assert await scaled(process, stack, "up") == 5
    assert await process.told(stack) == before
    assert await operations.unfinished(process.db) == []


async def test_signals_are_ignored_during_the_cooldown(process: Process) -> None:
    stack = await made(process)
    assert await scaled(process, stack, "slow") == 3
    assert await scaled(process, stack, "up") == 3
    metadata = (await process.rows(stack))["group"].metadata
    assert metadata["scaling_in_progress"] is False
    assert list(metadata["cooldown_end"].values()) == ["change_in_capacity : 2"]
    await asyncio.sleep(60)
    assert await scaled(process, stack, "up") == 4


async def test_the_groups_cooldown_counts_where_the_policy_has_none_and_begins_with_the_group(
    process: Process,
) -> None:
    stack = await made(process, cooldown=30)
    metadata = (await process.rows(stack))["group"].metadata
    assert list(metadata["cooldown_end"].values()) == ["ExactCapacity : 1"]
    assert await scaled(process, stack, "up") == 1
    await asyncio.sleep(30)
    assert await scaled(process, stack, "up") == 2
    assert await scaled(process, stack, "up") == 2


async def test_a_shorter_cooldown_does_not_end_a_longer_one(process: Process) -> None:
    stack = await made(process)
    await scaled(process, stack, "slow")
    end = cooldown_end((await process.rows(stack))["group"].metadata)
    stack = await process.done(await process.update(stack, template(desired_capacity=2)))
    assert isinstance(end, datetime)
    assert cooldown_end((await process.rows(stack))["group"].metadata) == end


@pytest.mark.parametrize(("policy", "seconds", "size"), [("up", 20, 2), ("slow", 0, 3)])
async def test_of_a_thousand_signals_during_a_change_or_its_cooldown_one_scales(
    process: Process, policy: str, seconds: int, size: int
) -> None:
    member = {"type": "OS::Heat::TestResource", "properties": {"wait_secs": seconds}}
    stack = await made(process, resource=member)
    await asyncio.gather(*(signal(process, stack, policy) for _ in range(1000)))
    child = await process.done(await inside(process, stack))
    assert len(await process.rows(child)) == size
    assert await operations.unfinished(process.db) == []


async def test_a_signal_during_an_update_of_the_stack_waits_for_it(process: Process) -> None:
    stack = await made(process)
    slow = template()
    slow["resources"]["slow_one"] = {"type": "OS::Heat::TestResource", "properties": {"wait_secs": 20}}
    updated = await process.update(stack, slow)
    await asyncio.sleep(1)
    await signal(process, stack, "up")
    assert (await process.done(updated)).status is Status.COMPLETE
    assert len(await process.rows(await process.done(await inside(process, stack)))) == 2
    assert await process.outputs(stack) == {"size": 2}


async def test_an_update_during_a_change_of_size_keeps_the_new_size(process: Process) -> None:
    member = {"type": "OS::Heat::TestResource", "properties": {"wait_secs": 20}}
    stack = await made(process, resource=member)
    await signal(process, stack, "up")
    await asyncio.sleep(1)
    more = template(resource=member)
    more["resources"]["other"] = {"type": "OS::Heat::TestResource"}
    stack = await process.done(await process.update(stack, more))
    assert stack.status is Status.COMPLETE, stack.reason
    child = await inside(process, stack)
    assert (child.status, len(await process.rows(child))) == (Status.COMPLETE, 2)
    assert await process.outputs(stack) == {"size": 2}
    assert (await process.rows(stack))["group"].metadata["scaling_in_progress"] is False


@pytest.mark.parametrize("changed", [{"cooldown": 1}, {"max_size": 4}])
async def test_a_change_of_the_group_brings_it_back_to_its_desired_capacity(
    process: Process, changed: dict[str, Any]
) -> None:
    stack = await made(process, size=1)
    assert [await scaled(process, stack, "up") for _ in range(2)] == [2, 3]
    stack = await process.done(await process.update(stack, template(size=1, **changed)))
    assert stack.status is Status.COMPLETE, stack.reason
    assert await process.outputs(stack) == {"size": 1}


async def test_an_update_that_leaves_the_group_as_it_is_keeps_the_size_that_policies_made(
    process: Process,
) -> None:
    stack = await made(process, size=1)
    assert await scaled(process, stack, "up") == 2
    more = template(size=1)
    more["resources"]["other"] = {"type": "OS::Heat::TestResource"}
    stack = await process.done(await process.update(stack, more))
    assert await process.outputs(stack) == {"size": 2}


async def test_a_changed_group_without_a_desired_capacity_keeps_the_size_that_policies_made(
    process: Process,
) -> None:
    free = template()
    group = free["resources"]["group"]["properties"]
    del group["desired_capacity"]
    stack = await process.done(await process.create("s", free))
    assert [await scaled(process, stack, "up") for _ in range(2)] == [1, 2]
    group["cooldown"] = 1
    stack = await process.done(await process.update(stack, free))
    assert await process.outputs(stack) == {"size": 2}


async def test_a_deletion_ends_a_change_of_size(process: Process) -> None:
    member = {"type": "OS::Heat::TestResource", "properties": {"action_wait_secs": {"create": 3000}}}
    stack = await made(process, size=0, resource=member)
    await signal(process, stack, "up")
    await asyncio.sleep(1)
    assert (await process.done(await process.delete(stack), 100)).deleted_at is not None


async def test_members_keep_their_definition_while_the_group_grows(process: Process) -> None:
    stack = await made(process, size=2)
    before = {row.name: row.updated_at for row in (await process.rows(await inside(process, stack))).values()}
    await scaled(process, stack, "up")
    after = await process.rows(await inside(process, stack))
    assert {name: after[name].updated_at for name in before} == before


async def test_a_failed_change_is_repaired_by_the_next_signal(process: Process) -> None:
    stack = await made(process)
    child = await inside(process, stack)
    name, row = next(iter((await process.rows(child)).items()))
    await signals.mark(process.engine, process.caller, child, name, broken=True)
    assert await scaled(process, stack, "up") == 1
    repaired = (await process.rows(child))[name]
    assert (repaired.status, repaired.physical_id != row.physical_id) == (Status.COMPLETE, True)


async def test_more_resources_than_a_tree_may_have_are_refused_in_an_event(process: Process) -> None:
    stack = await made(process)
    services = process.engine.services
    tuning = replace(services.tuning, resources=5)
    object.__setattr__(services, "tuning", tuning)
    await scaled(process, stack, "up")
    assert (await process.told(stack))[-1] == "up SIGNAL_FAILED"
    assert "5" in (await process.events(stack))[-1].reason
    assert len(await process.rows(await inside(process, stack))) == 1


async def test_a_policy_of_a_group_that_is_not_there_says_so(process: Process) -> None:
    lonely = template()
    lonely["resources"]["up"]["properties"]["auto_scaling_group_id"] = "nowhere"
    stack = await process.done(await process.create("s", lonely))
    with pytest.raises(NotFound, match="nowhere"):
        await signal(process, stack, "up")


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("dies_at", range(1, 9))
async def test_a_change_of_size_survives_a_crash_at_a_write(
    stackd_world: World, dies_at: int, after: bool
) -> None:
    async with stackd_world.process() as first:
        stack = await made(first, resource={"type": "OS::Neutron::Net"})
        child = await inside(first, stack)
    async with stackd_world.process(dies_at=dies_at, after=after) as second:
        if await unless_dead(second, asyncio.create_task(_accepted(second, stack))):
            await unless_dead(second, asyncio.create_task(second.done(child)))
    async with stackd_world.process() as third:
        child = await third.done(child)
        assert child.status is Status.COMPLETE, child.reason
        size = 1 if dies_at == 1 and not after else 2
        assert stackd_world.counts()["networks"] == size
        assert await third.outputs(stack) == {"size": size}
        assert await operations.unfinished(third.db) == []
        assert (await third.rows(stack))["group"].metadata["scaling_in_progress"] is False
        told = await third.told(stack)
        assert told.count("up SIGNAL_COMPLETE") == size - 1


async def _accepted(process: Process, stack: Stack) -> bool:
    await signal(process, stack, "up")
    return True


async def test_a_signal_that_cannot_be_decided_ends_with_an_event_and_others_go_on(
    process: Process, monkeypatch: pytest.MonkeyPatch
) -> None:
    stack = await made(process)

    def broken(*args: Any) -> None:
        raise ZeroDivisionError

    with monkeypatch.context() as patched:
        patched.setattr("stackd.resources.heat.scaling_groups.scaled", broken)
        assert await scaled(process, stack, "up") == 1
    last = (await process.events(stack))[-1]
    assert (last.resource_name, last.action, last.status) == ("up", Action.SIGNAL, Status.FAILED)
    assert "request id" in last.reason
    assert await operations.unfinished(process.db) == []
    assert await scaled(process, stack, "up") == 2


async def test_a_signal_is_decided_later_when_the_database_is_away(
    process: Process, monkeypatch: pytest.MonkeyPatch
) -> None:
    stack = await made(process)
    load, times = scaling.load_tree, iter(range(2))

    async def away(*args: Any, **options: Any) -> Any:
        if next(times, None) is not None:
            raise ServiceUnavailable("The database does not answer.")
        return await load(*args, **options)

    monkeypatch.setattr(scaling, "load_tree", away)
    await signal(process, stack, "up")
    child = await inside(process, stack)

    async def has_grown() -> bool:
        return len(await process.rows(child)) == 2

    await until(has_grown)
    assert (await process.done(child)).status is Status.COMPLETE


async def test_the_reason_of_a_signal_is_cut_and_shows_no_hidden_value(process: Process) -> None:
    word = {"type": "string", "hidden": True, "default": "s3cret-word"}
    hiding = template() | {"parameters": {"word": word}}
    stack = await process.done(await process.create("s", hiding))
    details = {"previous": "ok", "current": "alarm", "reason": "s3cret-word " * 100}
    await signals.signal(process.engine, process.caller, stack, "up", details)
    await process.done(await inside(process, stack))
    reason = (await process.events(stack))[-1].reason
    assert reason.startswith("alarm state changed from ok to alarm (")
    assert "s3cret" not in reason
    assert len(reason) <= 255
