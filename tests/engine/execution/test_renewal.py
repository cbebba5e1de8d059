"""Updates that rewrite the metadata of resources: what did not come from the template stays."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from stackd.db import resources
from stackd.engine.planning.diff import metadata_after
from stackd.engine.usecases import signals
from stackd.records import Resource, Stack, Status
from stackd.resources.scaling import COOLDOWN, IN_PROGRESS
from tests.support.context import make_resource, type_named
from tests.support.engine import Process, world
from tests.support.templates import hot

HANDLES = {
    "OS::Heat::WaitConditionHandle": lambda name: {"id": name, "data": 1},
    "AWS::CloudFormation::WaitConditionHandle": lambda name: {
        "UniqueId": name,
        "Status": "SUCCESS",
        "Reason": "",
        "Data": "",
    },
}


def template(kind: str, **metadata: Any) -> Any:
    return hot({"handle": {"type": kind, "metadata": metadata}})


async def handle(process: Process, stack: Stack) -> Resource:
    return (await process.rows(stack))["handle"]


async def updated(process: Process, stack: Stack, wanted: Any) -> None:
    await process.update(stack, wanted)
    assert (await process.done(stack)).status is Status.COMPLETE


@pytest.mark.parametrize("kind", HANDLES)
async def test_handle_keeps_its_signals_when_its_metadata_are_rewritten(tmp_path: Path, kind: str) -> None:
    async with world(tmp_path) as made, made.process() as process:
        stack = await process.create("one", template(kind, a=1, b=2))
        await process.done(stack)
        await signals.signal(process.engine, process.caller, stack, "handle", HANDLES[kind]("x"))
        before = len(await process.events(stack))
        await updated(process, stack, template(kind, a=1, b=2))
        told = [each.resource_name for each in (await process.events(stack))[before:]]
        assert told == ["one", "one"]
        await updated(process, stack, template(kind, a=3))
        row = await handle(process, stack)
        assert set(row.metadata) == {"a", "x"}
        assert row.metadata["a"] == 3
        await signals.signal(process.engine, process.caller, stack, "handle", HANDLES[kind]("y"))
        assert set((await handle(process, stack)).metadata) == {"a", "x", "y"}


async def test_no_signal_is_lost_that_comes_while_metadata_are_rewritten(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kind = "OS::Heat::WaitConditionHandle"
    async with world(tmp_path) as made, made.process() as process:
        stack = await process.create("one", template(kind, a=1))
        await process.done(stack)
        read, come = resources.get, ["x", "y"]

        async def read_before_a_signal(db: Any, id_: str) -> Resource | None:
            row = await read(db, id_)
            if come:
                details = HANDLES[kind](come.pop())
                await signals.signal(process.engine, process.caller, stack, "handle", details)
            return row

        monkeypatch.setattr(resources, "get", read_before_a_signal)
        await updated(process, stack, template(kind, a=2))
        monkeypatch.undo()
        assert come == []
        row = await handle(process, stack)
        assert set(row.metadata) == {"a", "x", "y"}
        assert row.metadata["a"] == 2


async def test_replaced_handle_begins_without_signals(tmp_path: Path) -> None:
    async with world(tmp_path) as made, made.process() as process:
        kinds = ["OS::Heat::WaitConditionHandle", "AWS::CloudFormation::WaitConditionHandle"]
        stack = await process.create("one", template(kinds[0], a=1))
        await process.done(stack)
        await signals.signal(process.engine, process.caller, stack, "handle", HANDLES[kinds[0]]("x"))
        await updated(process, stack, template(kinds[1], a=1))
        assert (await handle(process, stack)).metadata == {"a": 1}


def after(kind: str, stored: dict[str, Any], written: dict[str, Any]) -> dict[str, Any]:
    return metadata_after(make_resource(kind=kind, metadata=stored), type_named(kind), written)


@pytest.mark.parametrize(
    "kind", ["OS::Heat::AutoScalingGroup", "AWS::AutoScaling::AutoScalingGroup", "OS::Heat::InstanceGroup"]
)
def test_group_keeps_its_cooldown(kind: str) -> None:
    own = {COOLDOWN: {"2026-01-01T00:00:00+00:00": "up : 1"}, IN_PROGRESS: False}
    assert after(kind, {"a": 1, **own}, {"b": 2}) == {"b": 2, **own}


@pytest.mark.parametrize("kind", ["OS::Nova::Server", "OS::Heat::DeployedServer"])
def test_server_keeps_how_it_gets_its_metadata_and_the_template_adds_to_it(kind: str) -> None:
    stored = {"os-collect-config": {"collectors": ["cfn"], "cfn": {"path": "p"}, "old": 1}, "a": 1}
    written = {"os-collect-config": {"polling_interval": 5, "cfn": {}}, "b": 2}
    own = {"collectors": ["cfn"], "cfn": {"path": "p"}, "polling_interval": 5}
    assert after(kind, stored, written) == {"b": 2, "os-collect-config": own}


def test_metadata_stay_as_they_are_without_any_in_the_template() -> None:
    assert after("OS::Heat::None", {"a": 1}, {}) == {"a": 1}
    assert after("OS::Heat::None", {"a": 1}, {"b": 2}) == {"b": 2}
