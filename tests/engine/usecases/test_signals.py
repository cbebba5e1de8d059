"""Signals to resources of a whole engine: handles that updates replace, and what two processes do at once."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from stackd.engine.usecases import signals
from stackd.engine.usecases.actions import act
from stackd.errors import NotSupported
from stackd.records import Stack, Status
from tests.support.engine import Process, crash, world
from tests.support.templates import hot
from tests.support.waiting import until

DONE = {"Status": "SUCCESS", "Reason": "", "UniqueId": "a", "Data": ""}


def template(**more: Any) -> Any:
    waits = {"Handle": {"get_resource": "handle"}, "Timeout": 60}
    return hot(
        {
            "handle": {"type": "OS::Heat::UpdateWaitConditionHandle"},
            "wait": {"type": "AWS::CloudFormation::WaitCondition", "properties": waits},
            **more,
        }
    )


async def signalled(process: Process, stack: Stack, old: str = "") -> str:
    """Signal the handle as soon as there is a new one; returns its URL."""
    url = ""

    async def is_new() -> bool:
        nonlocal url
        row = (await process.rows(stack)).get("handle")
        url = row.data.get("ec2_signed_url", "") if row and row.status is Status.COMPLETE else ""
        return bool(url) and url != old

    await until(is_new)
    await signals.signal(process.engine, process.caller, stack, "handle", DONE)
    return url


async def test_each_update_replaces_the_handle_and_waits_anew_and_a_rollback_does_not(tmp_path: Path) -> None:
    async with world(tmp_path) as made, made.process() as process:
        stack = await process.create("waits", template())
        first = await signalled(process, stack)
        assert (await process.done(stack)).status is Status.COMPLETE

        stack = await process.update(stack, template())
        second = await signalled(process, stack, first)
        assert (await process.done(stack)).status is Status.COMPLETE
        assert urlsplit(first).path == urlsplit(second).path
        told = [each.partition(" ")[2] for each in await process.told(stack) if each.startswith("handle ")]
        assert told == ["CREATE_IN_PROGRESS", "CREATE_COMPLETE", "SIGNAL_COMPLETE"] * 2 + [
            "DELETE_IN_PROGRESS",
            "DELETE_COMPLETE",
        ]

        failing = {"type": "OS::Heat::TestResource", "properties": {"fail": True}, "depends_on": "handle"}
        stack = await process.update(stack, template(bad=failing), disable_rollback=False)
        done = await process.done(stack)
        assert (done.action, done.status) == ("ROLLBACK", Status.COMPLETE)
        assert (await process.rows(stack))["handle"].data["ec2_signed_url"] == second


async def test_signal_to_a_suspended_resource_is_an_event_of_its_suspension(tmp_path: Path) -> None:
    async with world(tmp_path) as made, made.process() as process:
        stack = await process.create("asleep", hot({"handle": {"type": "OS::Heat::WaitConditionHandle"}}))
        await process.done(stack)
        await act(process.engine, process.caller, stack, "suspend")
        await process.done(stack)

        with pytest.raises(NotSupported, match="Signal resource during SUSPEND is not supported"):
            await signals.signal(process.engine, process.caller, stack, "handle", None)

        last = (await process.events(stack))[-1]
        assert (last.resource_name, last.action, last.status) == ("handle", "SUSPEND", "COMPLETE")
        assert last.reason == "Cannot signal resource during SUSPEND"


async def test_a_wait_goes_on_in_the_next_process(tmp_path: Path) -> None:
    async with world(tmp_path) as made:
        async with made.process() as process:
            stack = await process.create("waits", template())

            async def waits() -> bool:
                row = (await process.rows(stack)).get("wait")
                return row is not None and "wait_until" in row.data

            await until(waits)
            ends = (await process.rows(stack))["wait"].data["wait_until"]
            await crash(process)
        async with made.process() as process:
            await until(waits)
            assert (await process.rows(stack))["wait"].data["wait_until"] == ends
            await signals.signal(process.engine, process.caller, stack, "handle", DONE)
            assert (await process.done(stack)).status is Status.COMPLETE
            await process.delete(stack)
            await process.done(stack)
            assert {"users", "projects", "credentials"}.isdisjoint(made.counts())


async def test_none_of_many_signals_at_once_is_lost(tmp_path: Path) -> None:
    async with world(tmp_path) as made, made.process() as process:
        stack = await process.create("one", hot({"handle": {"type": "OS::Heat::UpdateWaitConditionHandle"}}))
        await process.done(stack)
        await asyncio.gather(
            *(
                signals.signal(process.engine, process.caller, stack, "handle", DONE | {"UniqueId": f"{at}"})
                for at in range(100)
            )
        )
        assert len((await process.rows(stack))["handle"].metadata) == 100
