"""Events reach the queues that an environment names: all, once, in order, at no operation's cost."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from stackd.db import sinks as progress
from stackd.engine.services.event_sinks import Target, targets_of
from stackd.engine.usecases.signals import mark
from stackd.errors import BadRequest
from stackd.records import Stack, Status
from stackd.template.environment import load_environment
from tests.support.engine import Process, World, world
from tests.support.waiting import until

GROUP = {
    "type": "OS::Heat::ResourceGroup",
    "properties": {"count": 1, "resource_def": {"type": "OS::Heat::TestResource"}},
}
TEMPLATE = {
    "heat_template_version": "2018-08-31",
    "parameters": {"word": {"type": "string", "hidden": True, "default": "pass-word"}},
    "resources": {
        "a": {"type": "OS::Heat::TestResource", "properties": {"value": {"get_param": "word"}}},
        "group": GROUP,
    },
}


def sink(queue: str = "news", **values: Any) -> dict[str, Any]:
    return {"event_sinks": [{"type": "zaqar-queue", "target": queue, "ttl": 120, **values}]}


def told(made: World, queue: str = "news") -> list[dict[str, Any]]:
    """The bodies in a queue."""
    rows = made.cloud.store.tables["messaging.messages"].rows.values()
    return [row.data["body"] for row in rows if row.data["queue"].endswith(f"/{queue}")]


async def delivered(made: World, process: Process, *stacks: Stack, queue: str = "news") -> list[str]:
    """The ids in the queue, once all events of the stacks are there."""
    wanted = {event.id for stack in stacks for event in await process.events(stack)}
    await until(lambda: wanted <= {body["id"] for body in told(made, queue)})
    return [body["id"] for body in told(made, queue)]


async def test_every_event_is_delivered_once_and_in_order(stackd_world: World) -> None:
    async with stackd_world.process() as process:
        stack = await process.done(await process.create("s", TEMPLATE, environment=sink()))
        found = await delivered(stackd_world, process, stack)
        mine = [event.id for event in await process.events(stack)]
        assert [each for each in found if each in mine] == mine
        assert len(found) == len(set(found)) > len(mine)  # those of the group's stack are there too


async def test_delivery_does_not_end_with_the_right_of_the_operation_to_act(
    stackd_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("stackd.engine.execution.operator._SURE", 0.0)
    async with stackd_world.process() as process:
        stack = await process.done(await process.create("s", TEMPLATE, environment=sink()))
        assert stack.status is Status.COMPLETE
        assert await delivered(stackd_world, process, stack)


async def test_a_message_has_the_form_that_listeners_know(stackd_world: World) -> None:
    async with stackd_world.process() as process:
        stack = await process.done(await process.create("s", TEMPLATE, environment=sink()))
        await delivered(stackd_world, process, stack)
        found = [each for each in told(stackd_world) if each["payload"]["resource_name"] == "a"][-1]
        event = next(each for each in await process.events(stack) if each.id == found["id"])
        assert found == {
            "timestamp": event.time.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "version": "0.1",
            "type": "os.heat.event",
            "id": event.id,
            "payload": {
                "resource_name": "a",
                "physical_resource_id": event.physical_id,
                "stack_id": stack.id,
                "resource_action": "CREATE",
                "resource_status": "COMPLETE",
                "resource_status_reason": "state changed",
                "resource_type": "OS::Heat::TestResource",
                "resource_properties": found["payload"]["resource_properties"],
                "version": "0.1",
            },
        }
        assert found["payload"]["resource_properties"]["value"] == "******"


async def test_events_of_deletion_are_delivered_before_the_trust_goes(stackd_world: World) -> None:
    async with stackd_world.process() as process:
        stack = await process.done(await process.create("s", TEMPLATE, environment=sink()))
        await process.done(await process.delete(stack))
        await delivered(stackd_world, process, stack)
        last = told(stackd_world)[-1]["payload"]
        assert (last["resource_action"], last["resource_status"]) == ("DELETE", "COMPLETE")
        await until(lambda: not process.engine.sinks._tasks)
        assert await progress.roots(process.db) == []
        await process.engine.trusts.revoke_idle(timedelta(0))
        assert stackd_world.objects("trusts") == []


async def test_what_a_signal_says_of_an_idle_stack_is_delivered(stackd_world: World) -> None:
    async with stackd_world.process() as process:
        stack = await process.done(await process.create("s", TEMPLATE, environment=sink()))
        await mark(process.engine, process.caller, stack, "a", broken=True, reason="rusty")
        await delivered(stackd_world, process, stack)
        assert told(stackd_world)[-1]["payload"]["resource_status_reason"] == "rusty"


async def test_a_service_that_refuses_holds_nothing_up(stackd_world: World) -> None:
    stackd_world.cloud.faults.replace([{"service": "zaqar", "status": 403}])
    async with stackd_world.process() as process:
        stack = await process.done(await process.create("s", TEMPLATE, environment=sink()))
        assert stack.status is Status.COMPLETE
        assert told(stackd_world) == []


async def test_a_sink_that_is_added_later_gets_what_comes_then(stackd_world: World) -> None:
    async with stackd_world.process() as process:
        stack = await process.done(await process.create("s", TEMPLATE))
        before = {event.id for event in await process.events(stack)}
        await process.done(await process.update(stack, TEMPLATE, environment=sink()))
        await until(
            lambda: told(stackd_world) and told(stackd_world)[-1]["payload"]["resource_status"] == "COMPLETE"
        )
        assert not before & {body["id"] for body in told(stackd_world)}


async def test_an_update_without_sinks_ends_the_delivery(stackd_world: World) -> None:
    async with stackd_world.process() as process:
        stack = await process.done(await process.create("s", TEMPLATE, environment=sink()))
        await process.done(await process.update(stack, TEMPLATE, environment={}))
        assert await progress.get(process.db, stack.id) is None


async def test_what_a_crash_kept_back_is_delivered_by_the_next_process(tmp_path: Path) -> None:
    async with world(tmp_path) as made:
        async with made.process(dies_at=10_000) as first:
            first.engine.sinks._closed = True  # this process never gets to it
            stack = await first.done(await first.create("s", TEMPLATE, environment=sink()))
            assert told(made) == []
        async with made.process() as second:
            found = await delivered(made, second, stack)
            assert len(found) == len(set(found))


@pytest.mark.parametrize(
    "broken",
    [
        {"type": "mail"},
        {"target": "no such/queue"},
        {"target": None},
        {"ttl": 5},
        {"ttl": "soon"},
        {"colour": "red"},
    ],
)
async def test_a_sink_that_cannot_be_is_refused(stackd_world: World, broken: dict[str, Any]) -> None:
    async with stackd_world.process() as process:
        with pytest.raises(BadRequest):
            await process.create("s", TEMPLATE, environment=sink(**broken))


async def test_what_a_service_that_is_out_of_order_missed_comes_later(stackd_world: World) -> None:
    rule = {"service": "zaqar", "status": 503}
    stackd_world.cloud.faults.replace([rule])
    async with stackd_world.process() as process:
        stack = await process.done(await process.create("s", TEMPLATE, environment=sink()))
        assert stack.status is Status.COMPLETE
        assert told(stackd_world) == []
        stackd_world.cloud.faults.replace([])
        found = await delivered(stackd_world, process, stack)
        assert len(found) == len(set(found))


def test_a_sink_that_updates_repeat_is_one() -> None:
    """PATCH lays the sinks of a request after the stored ones."""
    environment = load_environment({"event_sinks": sink()["event_sinks"] * 3})
    assert targets_of(environment) == (Target("news", 120),)
