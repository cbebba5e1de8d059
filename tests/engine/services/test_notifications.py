"""Notifications of what happens to stacks: names, payloads, and a broker that is away."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from stackd import app
from stackd.engine.services import notifications
from stackd.engine.services.notifications import Notice, Notifications
from stackd.engine.usecases import signals
from stackd.errors import Transient
from stackd.records import Status
from stackd.settings import Notifications as Section
from stackd.settings import Settings, SettingsError
from tests.support.engine import Process, World
from tests.support.templates import hot
from tests.support.waiting import until

GROUP = {
    "min_size": 1,
    "max_size": 2,
    "resource": {"type": "OS::Heat::TestResource"},
}
UP = {
    "auto_scaling_group_id": {"get_resource": "group"},
    "adjustment_type": "change_in_capacity",
    "scaling_adjustment": 1,
}
SCALED = hot(
    {
        "group": {"type": "OS::Heat::AutoScalingGroup", "properties": GROUP},
        "up": {"type": "OS::Heat::ScalingPolicy", "properties": UP},
    }
)


class Broker:
    """Takes messages, but for as many times as it is away."""

    def __init__(self, away: int = 0) -> None:
        self.away = away
        self.messages: list[tuple[str, Mapping[str, Any]]] = []

    async def publish(self, queue: str, message: Mapping[str, Any]) -> None:
        if self.away:
            self.away -= 1
            raise Transient("The broker is away")
        self.messages.append((queue, message))

    def kinds(self) -> list[tuple[str, str]]:
        return [(queue, message["event_type"]) for queue, message in self.messages]


def started(process: Process, broker: Broker) -> Notifications:
    made = Notifications(process.db, "orchestration.here", ("notifications",), broker.publish)
    process.engine.services.journal.listeners.append(made.heard)
    object.__setattr__(process.engine.services, "notify", made.note)
    made.start()
    return made


async def test_each_state_of_each_stack_is_sent_in_order_and_so_is_scaling(stackd_world: World) -> None:
    broker = Broker()
    async with stackd_world.process() as process:
        sender = started(process, broker)
        stack = await process.done(await process.create("s", SCALED))
        await signals.signal(process.engine, process.caller, stack, "up", None)
        await process.done(stack)
        await process.done(await process.delete(stack))
        await until(lambda: len(broker.messages) >= 12)
        await sender.close()
    by_stack: dict[str, list[str]] = {}
    for queue, message in broker.messages:
        assert queue == "notifications.info"
        assert message["publisher_id"] == "orchestration.here"
        name = message["payload"]["stack_name"]
        by_stack.setdefault(name, []).append(message["event_type"].removeprefix("orchestration."))
    assert by_stack.pop("s") == [
        "stack.create.start",
        "stack.create.end",
        "autoscaling.start",
        "autoscaling.end",
        "stack.delete.start",
        "stack.delete.end",
    ]
    [inside] = by_stack.values()
    assert inside == [
        f"stack.{action}.{end}" for action in ("create", "update", "delete") for end in ("start", "end")
    ]


async def test_the_payload_has_what_consumers_know(stackd_world: World) -> None:
    broker = Broker()
    async with stackd_world.process() as process:
        sender = started(process, broker)
        failing = hot({"bad": {"type": "OS::Heat::TestResource", "properties": {"fail": True}}})
        stack = await process.done(await process.create("s", failing, tags=["blue"]))
        assert stack.status is Status.FAILED
        await until(lambda: len(broker.messages) == 2)
        await sender.close()
    queue, message = broker.messages[-1]
    assert (queue, message["priority"]) == ("notifications.error", "ERROR")
    payload = dict(message["payload"])
    assert payload.pop("create_at")
    assert "bad" in payload.pop("state_reason")
    assert payload == {
        "tenant_id": stack.project_id,
        "user_id": stack.owner,
        "username": stack.owner,
        "user_identity": stack.user_id,
        "stack_identity": stack.id,
        "stack_name": "s",
        "state": "CREATE_FAILED",
        "updated_at": None,
        "tags": ["blue"],
    }


async def test_what_scaling_is_about_is_in_its_payload(stackd_world: World) -> None:
    broker = Broker()
    async with stackd_world.process() as process:
        sender = started(process, broker)
        stack = await process.done(await process.create("s", SCALED))
        await signals.signal(process.engine, process.caller, stack, "up", None)
        await process.done(stack)
        await until(lambda: len([k for _, k in broker.kinds() if "autoscaling" in k]) == 2)
        await sender.close()
    found = [each["payload"] for _, each in broker.messages if "autoscaling" in each["event_type"]]
    names = ("adjustment", "adjustment_type", "capacity", "groupname", "message")
    assert [[each[name] for name in names] for each in found] == [
        [1, "change_in_capacity", 2, "group", "start change_in_capacity : 1"],
        [1, "change_in_capacity", 2, "group", "end change_in_capacity : 1"],
    ]


async def test_what_could_not_be_sent_is_sent_when_the_broker_is_back(stackd_world: World) -> None:
    broker = Broker(away=4)
    async with stackd_world.process() as process:
        sender = started(process, broker)
        await process.done(await process.create("s", hot({})))
        await until(lambda: len(broker.messages) == 2)
        await sender.close()
    assert [kind for _, kind in broker.kinds()] == [
        "orchestration.stack.create.start",
        "orchestration.stack.create.end",
    ]


async def test_of_too_many_the_oldest_are_dropped(
    stackd_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(notifications, "_KEPT", 3)
    async with stackd_world.process() as process:
        stack = await process.done(await process.create("s", hot({})))
        broker = Broker(away=1)
        sender = Notifications(process.db, "p", ("n",), broker.publish)
        for number in range(5):
            sender.note(Notice(stack.id, str(number), is_error=False))
        sender.start()
        await until(lambda: len(broker.messages) == 3)
        await sender.close()
    assert [kind for _, kind in broker.kinds()] == ["2", "3", "4"]


@pytest.mark.parametrize(("driver", "made"), [("none", False), ("log", True)])
async def test_settings_choose_where_notifications_go(stackd_world: World, driver: Any, made: bool) -> None:
    settings = Settings(notifications=Section(driver=driver))
    async with stackd_world.process() as process:
        assert (app.make_notifications(settings, process.db) is not None) == made


async def test_a_broker_without_an_address_is_refused(stackd_world: World) -> None:
    settings = Settings(notifications=Section(driver="amqp"))
    async with stackd_world.process() as process:
        with pytest.raises(SettingsError, match=r"notifications\.transport_url"):
            app.make_notifications(settings, process.db)


async def test_a_notice_that_breaks_the_sender_is_logged_and_the_next_is_sent(stackd_world: World) -> None:
    broker = Broker()

    async def publish(queue: str, message: Mapping[str, Any]) -> None:
        if message["event_type"] == "bad":
            raise ZeroDivisionError
        await broker.publish(queue, message)

    async with stackd_world.process() as process:
        stack = await process.done(await process.create("s", hot({})))
        sender = Notifications(process.db, "p", ("n",), publish)
        for kind in ("bad", "good"):
            sender.note(Notice(stack.id, kind, is_error=False))
        sender.start()
        await until(lambda: broker.messages)
        await sender.close()
    assert [kind for _, kind in broker.kinds()] == ["good"]
