"""Actions are carried out: URLs are called, failures are tried again and told, and a scaling happens once."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from aiohttp import web
from structlog.testing import capture_logs

from stackd.db import alarms, operations
from stackd.db.journal import Change, Insert, Update
from stackd.engine.usecases.cloudwatch import delivery, worker
from stackd.records import Alarm, Operation
from tests.engine.usecases.cloudwatch.test_evaluating import arn, kinds, scaling, size
from tests.support.alarms import ALARM, call, push_for, state, unhurried
from tests.support.engine import Process, World, unless_dead
from tests.support.waiting import until
from tests.support.web import Site, website


@pytest.fixture
async def site() -> Any:
    async with website() as made:
        yield made


async def reached(world: World) -> None:
    """Let loopback be called."""
    egress = world.settings.egress.model_copy(update={"allowed_networks": ("127.0.0.1/32",)})
    world.settings = world.settings.model_copy(update={"egress": egress})


async def put_and_raise(process: Process, *actions: str) -> None:
    await call(process, "PutMetricAlarm", **ALARM, AlarmActions=list(actions))
    await call(process, "SetAlarmState", AlarmName="hot", StateValue="ALARM", StateReason="a test")


async def done(process: Process) -> None:
    """Return once no action waits."""

    async def is_done() -> bool:
        return await alarms.next_action(process.db) is None

    await until(is_done)


async def test_a_url_is_called_once_with_what_either_kind_of_receiver_reads(
    stackd_world: World, site: Site
) -> None:
    unhurried(stackd_world)
    await reached(stackd_world)
    bodies: list[Any] = []

    async def hook(request: web.BaseRequest) -> web.StreamResponse:
        bodies.append(await request.json())
        return web.Response()

    site.pages["/hook"] = hook
    async with stackd_world.process() as process:
        await call(process, "PutMetricAlarm", **ALARM, AlarmActions=[site.url("/hook?secret=1")])
        await push_for(process, 9, 50.0)
        assert await state(process) == "ALARM"
        assert [kind for kind, summary in await kinds(process) if "secret" in summary] == []
    (body,) = bodies
    assert (body["alarm"], body["state"]) == ("hot", "ALARM")
    assert (body["current"], body["previous"]) == ("alarm", "insufficient data")
    assert "50" in body["reason"]


async def test_a_call_that_fails_is_tried_again_and_then_told(
    stackd_world: World, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "RETRY", timedelta(seconds=2))
    unhurried(stackd_world)
    await reached(stackd_world)
    async with stackd_world.process() as process:
        await put_and_raise(process, site.url("/nowhere"))
        await asyncio.sleep(12)
        await done(process)
        told = [summary for kind, summary in await kinds(process) if kind == "Action"]
    assert told == [f"Failed to execute action {site.url('/nowhere')}"]
    assert site.paths == ["/nowhere"] * 5


async def test_private_addresses_are_not_called(stackd_world: World, site: Site) -> None:
    unhurried(stackd_world)
    async with stackd_world.process() as process:
        await put_and_raise(process, site.url("/hook"))
        await asyncio.sleep(5)
        assert await alarms.next_action(process.db) is not None
    assert site.paths == []


async def test_an_action_of_an_alarm_that_is_gone_is_not_carried_out(stackd_world: World, site: Site) -> None:
    unhurried(stackd_world)
    await reached(stackd_world)
    async with stackd_world.process() as process:
        await put_and_raise(process, site.url("/nowhere"))
        await asyncio.sleep(5)
        await call(process, "DeleteAlarms", AlarmNames=["hot"])
        await asyncio.sleep(30)
        await done(process)
    assert site.paths == ["/nowhere"]


async def test_slow_urls_of_one_project_do_not_hold_others_or_evaluations_up(
    stackd_world: World, site: Site
) -> None:
    unhurried(stackd_world)
    await reached(stackd_world)

    async def never(_: web.BaseRequest) -> web.StreamResponse:
        await asyncio.sleep(3600)
        return web.Response()

    async def hook(_: web.BaseRequest) -> web.StreamResponse:
        return web.Response()

    site.pages |= {"/never": never, "/hook": hook}
    async with stackd_world.process() as process:
        for number in range(30):
            name = {"AlarmName": f"slow {number}"}
            await call(process, "PutMetricAlarm", **{**ALARM, **name}, AlarmActions=[site.url("/never")])
            await call(process, "SetAlarmState", **name, StateValue="ALARM", StateReason="a test")
        await asyncio.sleep(1)
        caller, process.caller = process.caller, replace(process.caller, project_id="another")
        await put_and_raise(process, site.url("/hook"))
        await asyncio.sleep(2)
        assert "/hook" in site.paths
        process.caller = caller
        await call(process, "PutMetricAlarm", **ALARM)
        await push_for(process, 3, 50.0)
        assert await state(process) == "ALARM"


async def test_an_action_that_breaks_whatever_carries_it_out_is_given_up(
    stackd_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*_: Any) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(delivery, "_act", broken)
    monkeypatch.setattr(worker, "RETRY", timedelta(seconds=2))
    unhurried(stackd_world)
    async with stackd_world.process() as process:
        with capture_logs() as lines:
            await put_and_raise(process, "https://example.test/")
            await asyncio.sleep(20)
        assert [line["event"] for line in lines].count("alarm_action_broke") == 5
        assert await alarms.next_action(process.db) is None
        told = [summary for kind, summary in await kinds(process) if kind == "Action"]
    assert told == ["Failed to execute action https://example.test/"]


# --- whatever dies --------------------------------------------------------------------------------


def _changes_state(change: Change) -> bool:
    return isinstance(change, Update) and change.kind is Alarm and "state" in change.values


def _accepts(change: Change) -> bool:
    return isinstance(change, Insert) and isinstance(change.record, Operation)


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("dies_on", [_changes_state, _accepts])
async def test_an_alarm_scales_once_whatever_dies_between(
    stackd_world: World, dies_on: Any, after: bool
) -> None:
    unhurried(stackd_world)
    async with stackd_world.process() as first:
        stack = await first.done(await first.create("s", scaling(cooldown=3600)))
        await call(first, "PutMetricAlarm", **ALARM, AlarmActions=[arn(stack, "up")])
    async with stackd_world.process(dies_on=dies_on, after=after) as second:
        assert await unless_dead(second, asyncio.create_task(push_for(second, 4, 50.0))) is None
        assert second.journal.died.is_set()
    async with stackd_world.process() as third:
        await push_for(third, 5, 50.0)
        assert await state(third) == "ALARM"
        assert await size(third, stack) == 2
        assert await alarms.next_action(third.db) is None
        assert await operations.unfinished(third.db) == []
        told = await third.told(stack)
        assert told.count("up SIGNAL_COMPLETE") == 1
