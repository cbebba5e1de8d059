"""What resources and outputs show when the cloud changed behind the stack's back, or does not answer."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from stackd.engine.usecases.live_attributes import live_names
from stackd.engine.usecases.queries import Reader
from stackd.engine.usecases.signals import signal
from stackd.records import Stack
from stackd.resources.registry import load_registry
from tests.support.engine import Process, World
from tests.support.waiting import until

TEMPLATE = {
    "heat_template_version": "2018-08-31",
    "resources": {
        "net": {"type": "OS::Neutron::Net", "properties": {"name": "old"}},
        "volume": {"type": "OS::Cinder::Volume", "properties": {"size": 1, "name": "disk"}},
        "secret": {"type": "OS::Heat::RandomString", "properties": {"length": 8}},
    },
    "outputs": {
        "shown": {"value": {"get_attr": ["net", "show", "name"]}},
        "stored": {"value": {"get_attr": ["net", "name"]}},
        "both": {
            "value": {"list_join": ["-", [{"get_attr": ["volume", "status"]}, {"get_resource": "secret"}]]}
        },
    },
}
HANGS = {"effect": "delay", "seconds": 30.0, "method": "GET"}
DOWN = {"effect": "status", "status": 503, "method": "GET"}
COUNTED = {"effect": "delay", "seconds": 0.0, "method": "GET", "path": "/(networks|volumes)/"}


async def made(process: Process, template: Any = TEMPLATE) -> Stack:
    return await process.done(await process.create("live", template))


async def values(reader: Reader, stack: Stack) -> dict[str, Any]:
    return {key: each["value"] for key, each in (await reader.outputs(stack)).items()}


async def rename(process: Process, stack: Stack, name: str) -> None:
    row = (await process.rows(stack))["net"]
    cloud = await process.engine.trusts.of_stack(stack)
    await cloud.network.put(f"/networks/{row.physical_id}", {"network": {"name": name}})


async def test_output_shows_what_was_changed_behind_the_stack(stackd_world: World) -> None:
    async with stackd_world.process() as process:
        reader, stack = Reader(process.engine), await made(process)
        secret = (await process.rows(stack))["secret"].data["value"]
        await rename(process, stack, "new")
        seen = await values(reader, stack)
        assert seen == {"shown": "new", "stored": "old", "both": f"available-{secret}"}


async def test_resource_shows_what_was_changed_behind_the_stack(stackd_world: World) -> None:
    async with stackd_world.process() as process:
        reader, stack = Reader(process.engine), await made(process)
        await rename(process, stack, "new")
        row = (await reader.shown_resource(stack, "net")).resource
        assert (row.attributes["show"]["name"], row.attributes["name"]) == ("new", "old")
        listed = {view.resource.name: view.resource for view in await reader.resources(stack, brief=False)}
        assert listed["net"].attributes["show"]["name"] == "old"


async def test_answer_is_good_for_a_while_but_not_after_an_update(stackd_world: World) -> None:
    async with stackd_world.process() as process:
        reader, stack = Reader(process.engine), await made(process)
        stackd_world.cloud.faults.replace([COUNTED])
        for _ in range(3):
            await values(reader, stack)
        assert stackd_world.cloud.faults.rules[0].seen == 2
        net = {"type": "OS::Neutron::Net", "properties": {"name": "newer"}}
        stack = await process.done(
            await process.update(stack, {**TEMPLATE, "resources": {**TEMPLATE["resources"], "net": net}})  # type: ignore[dict-item]
        )
        assert (await values(reader, stack))["shown"] == "newer"


async def test_outputs_without_live_attributes_ask_nothing(stackd_world: World) -> None:
    async with stackd_world.process() as process:
        outputs = {
            "stored": {"value": {"get_attr": ["net", "name"]}},
            "id": {"value": {"get_resource": "net"}},
        }
        reader, stack = Reader(process.engine), await made(process, {**TEMPLATE, "outputs": outputs})
        assert (await reader.facts(stack)).live == {}
        stackd_world.cloud.faults.replace([COUNTED])
        assert (await values(reader, stack))["stored"] == "old"
        await reader.resources(stack, brief=False)
        assert stackd_world.cloud.faults.rules[0].seen == 0


@pytest.mark.parametrize("fault", [HANGS, DOWN])
async def test_stored_value_is_shown_while_the_cloud_does_not_answer(
    stackd_world: World, fault: dict[str, Any]
) -> None:
    async with stackd_world.process() as process:
        reader, stack = Reader(process.engine), await made(process)
        await rename(process, stack, "new")
        process.engine.live.deadline = 0.05
        stackd_world.cloud.faults.replace([fault])
        began = asyncio.get_running_loop().time()
        assert (await values(reader, stack))["shown"] == "old"
        assert (await reader.shown_resource(stack, "net")).resource.attributes["show"]["name"] == "old"
        assert asyncio.get_running_loop().time() - began < 2
        stackd_world.cloud.faults.replace([])


async def test_object_that_is_gone_shows_nothing(stackd_world: World) -> None:
    async with stackd_world.process() as process:
        reader, stack = Reader(process.engine), await made(process)
        volume = (await process.rows(stack))["volume"]
        cloud = await process.engine.trusts.of_stack(stack)
        await cloud.volume.delete(f"/volumes/{volume.physical_id}")
        stackd_world.cloud.store.settle()
        tables = stackd_world.cloud.store.tables
        [volumes] = [table for name, table in tables.items() if name.endswith(".volumes")]
        volumes.rows.pop(volume.physical_id or "", None)
        row = (await reader.shown_resource(stack, "volume")).resource
        assert (row.attributes["show"], row.attributes["status"], row.attributes["size"]) == ({}, None, "1")


async def test_computed_attributes_are_shown_but_not_stored(stackd_world: World) -> None:
    async with stackd_world.process() as process:
        reader, stack = Reader(process.engine), await made(process)
        row = (await process.rows(stack))["secret"]
        assert row.attributes == {}
        assert (await reader.shown_resource(stack, "secret")).resource.attributes == {
            "value": row.data["value"]
        }


async def test_attribute_that_costs_a_call_is_read_when_it_is_asked_for(stackd_world: World) -> None:
    async with stackd_world.process() as process:
        reader, stack = Reader(process.engine), await made(process)
        assert "segments" not in (await reader.shown_resource(stack, "net")).resource.attributes
        shown = (await reader.shown_resource(stack, "net", ["segments"])).resource
        assert "segments" in shown.attributes


NATIVE = {"data": "one", "id": "a"}, {"data": "two", "id": "b"}
AWS = [{"Status": "SUCCESS", "Reason": "", "UniqueId": each["id"], "Data": each["data"]} for each in NATIVE]


@pytest.mark.parametrize(
    ("family", "names", "sent"),
    [
        ("OS::Heat", ("handle", "timeout", "data"), NATIVE),
        ("AWS::CloudFormation", ("Handle", "Timeout", "Data"), AWS),
    ],
)
async def test_data_of_a_wait_condition_has_signals_that_came_after_it_completed(
    stackd_world: World, family: str, names: tuple[str, str, str], sent: Sequence[dict[str, Any]]
) -> None:
    waits = dict(zip(names, ({"get_resource": "handle"}, 60), strict=False))
    template = {
        "heat_template_version": "2018-08-31",
        "resources": {
            "handle": {"type": f"{family}::WaitConditionHandle"},
            "wait": {"type": f"{family}::WaitCondition", "properties": waits},
        },
        "outputs": {"data": {"value": {"get_attr": ["wait", names[2]]}}},
    }
    async with stackd_world.process() as process:
        reader, stack = Reader(process.engine), await process.create("waits", template)

        async def waits_for_signals() -> bool:
            row = (await process.rows(stack)).get("wait")
            return row is not None and "wait_until" in row.data

        await until(waits_for_signals)
        await signal(process.engine, process.caller, stack, "handle", sent[0])
        stack = await process.done(stack)
        assert await values(reader, stack) == {"data": '{"a": "one"}'}
        await signal(process.engine, process.caller, stack, "handle", sent[1])
        process.engine.live._room = asyncio.Semaphore(0)  # services that do not answer have all of it
        assert await values(reader, stack) == {"data": '{"a": "one", "b": "two"}'}
        row = (await reader.shown_resource(stack, "wait")).resource
        assert row.attributes == {names[2]: '{"a": "one", "b": "two"}'}
        assert (await process.rows(stack))["wait"].attributes == {}


def test_every_type_with_an_object_shows_it_live() -> None:
    types = load_registry().types
    assert live_names(types["OS::Neutron::FloatingIP"]) == {"show", "fixed_ip_address", "port_id"}
    assert live_names(types["OS::Cinder::Volume"]) == {"show", "status", "attachments", "attachments_list"}
    assert live_names(types["OS::Heat::Value"]) == frozenset()


async def test_metadata_of_a_resource_asks_the_cloud_nothing(stackd_world: World) -> None:
    async with stackd_world.process() as process:
        reader, stack = Reader(process.engine), await made(process)
        stackd_world.cloud.faults.replace([COUNTED])
        await reader.resource(stack, "net")
        assert stackd_world.cloud.faults.rules[0].seen == 0
