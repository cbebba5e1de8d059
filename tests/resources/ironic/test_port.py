"""Network cards of machines: what is sent, and their life on the simulated service."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from stackd.records import Status
from tests.support.actions import resource, state, template
from tests.support.context import FakeContext, gone
from tests.support.engine import World, world

PORT = "OS::Ironic::Port"
MAC = "52:54:00:AA:BB:CC"
GIVEN: dict[str, Any] = {"node": "n1", "address": MAC}
LINK = {"switch_id": "0a:1b:2c:3d:4e:5f", "port_id": "1"}


@pytest.fixture
async def made(tmp_path: Path) -> AsyncIterator[World]:
    async with world(tmp_path) as each:
        yield each


async def test_port_is_made_with_what_was_given_and_found_by_its_address() -> None:
    given = GIVEN | {"portgroup": "g1", "pxe_enabled": False, "extra": {"a": 1}, "is_smartnic": False}
    ctx = FakeContext(PORT, properties=given)
    sent = {
        "node_uuid": "n1", "address": MAC.lower(), "portgroup_uuid": "g1", "pxe_enabled": False,
        "extra": {"a": 1}, "is_smartnic": False,
    }  # fmt: skip
    ctx.cloud.on("POST", "/ports", {"uuid": "p1", **sent})
    await ctx.type.create(ctx, ctx.props)
    assert ctx.cloud.sent("POST") == [sent]
    assert ctx.physical_id == "p1"
    other = {"uuid": "p2", "address": "52:54:00:00:00:00"}
    ctx.cloud.on("GET", "/ports/detail", {"ports": [{"uuid": "p1", **sent}, other]})
    assert [each["uuid"] for each in await ctx.type.find(ctx, ctx.props)] == ["p1"]
    assert ctx.cloud.calls[-1].params == {"address": MAC.lower()}
    seen = ctx.type.observed(ctx.props, sent)
    assert {wanted == shown for wanted, shown in seen.values()} == {True}


async def test_changes_are_a_patch_in_which_nothing_means_the_default() -> None:
    ctx = FakeContext(PORT, properties=GIVEN | {"physical_network": "a", "pxe_enabled": True}, physical="p1")
    ctx.cloud.on("PATCH", "/ports/p1", {})
    new = GIVEN | {"node": "n2", "pxe_enabled": False, "physical_network": "", "local_link_connection": LINK}
    await ctx.type.update(ctx, ctx.props, ctx.load(new))
    (patch,) = ctx.cloud.sent("PATCH")
    assert sorted(patch, key=lambda each: each["path"]) == [
        {"op": "replace", "path": "/local_link_connection", "value": LINK},
        {"op": "replace", "path": "/node_uuid", "value": "n2"},
        {"op": "remove", "path": "/physical_network"},
        {"op": "replace", "path": "/pxe_enabled", "value": False},
    ]
    await ctx.type.update(ctx, ctx.props, ctx.props)
    assert len(ctx.cloud.sent("PATCH")) == 1
    await ctx.type.update(ctx, ctx.load(GIVEN | {"pxe_enabled": False}), ctx.load(GIVEN))
    assert ctx.cloud.sent("PATCH")[1] == [{"op": "replace", "path": "/pxe_enabled", "value": True}]


async def test_deletion_is_waited_for() -> None:
    ctx = FakeContext(PORT, properties=GIVEN, physical="p1")
    ctx.cloud.on("DELETE", "/ports/p1").on("GET", "/ports/p1", {"uuid": "p1"}, gone())
    await ctx.type.delete(ctx, ctx.props)
    assert ctx.type.awaits_deletion
    assert not await ctx.type.is_gone(ctx)
    assert await ctx.type.is_gone(ctx)


def ports(made: World) -> list[Any]:
    return [each.data for each in made.cloud.store.all("baremetal.ports")]


def card(**properties: Any) -> dict[str, Any]:
    given = {"node": "metal-1", "address": MAC, **properties}
    shown = {"outputs": {"node": {"value": {"get_attr": ["port", "node_uuid"]}}}}
    return template(port=resource(PORT, **given)) | shown


async def test_port_lives_on_the_service(made: World) -> None:
    node = made.cloud.world.named_id("baremetal", "metal-1")
    other = made.cloud.world.named_id("baremetal", "metal-2")
    async with made.process(user="admin") as process:
        stack = await process.done(await process.create("s", card(local_link_connection=LINK)))
        assert stack.status is Status.COMPLETE, stack.reason
        assert await process.outputs(stack) == {"node": node}
        (first,) = ports(made)
        changed = card(node="metal-2", pxe_enabled=False, extra={"a": "b"})
        stack = await process.done(await process.update(stack, changed))
        assert state(stack) == "UPDATE_COMPLETE", stack.reason
        (second,) = ports(made)
        assert second["uuid"] == first["uuid"]
        assert (second["node_uuid"], second["pxe_enabled"], second["extra"]) == (other, False, {"a": "b"})
        assert second["local_link_connection"] in (None, {})
        assert await process.outputs(stack) == {"node": other}
        stack = await process.done(await process.update(stack, card(node="metal-2")))
        assert state(stack) == "UPDATE_COMPLETE", stack.reason
        (third,) = ports(made)
        assert (third["uuid"], third["pxe_enabled"], third["extra"]) == (first["uuid"], True, {})
        assert state(await process.done(await process.delete(stack))) == "DELETE_COMPLETE"
        assert made.counts() == {}


@pytest.mark.parametrize(
    ("properties", "reason"),
    [
        ({"address": "x"}, "Expected a MAC address but received x"),
        ({"local_link_connection": {"port_id": "1"}}, "Missing mandatory keys in local_link_connection"),
    ],
)
async def test_what_the_service_refuses_is_told(made: World, properties: Any, reason: str) -> None:
    async with made.process(user="admin") as process:
        stack = await process.done(await process.create("s", card(**properties)))
        assert state(stack) == "CREATE_FAILED"
        assert reason in (stack.reason or "")
        assert state(await process.done(await process.delete(stack))) == "DELETE_COMPLETE"


async def test_machines_that_there_are_not_are_refused_with_the_request(made: World) -> None:
    async with made.process(user="admin") as process:
        for wrong in ({"node": "metal-9"}, {"portgroup": "none"}):
            with pytest.raises(Exception, match=r"could not be found|metal-9|none"):
                await process.create("s", card(**wrong))


async def test_lost_answer_leaves_one_port_and_a_taken_address_is_a_failure(made: World) -> None:
    rule = {"service": "baremetal", "method": "POST", "path": "/ports$", "effect": "drop_after", "times": 1}
    made.cloud.faults.replace([rule])
    async with made.process(user="admin") as process:
        stack = await process.done(await process.create("s", card()))
        assert stack.status is Status.COMPLETE, stack.reason
        assert len(ports(made)) == 1
        twin = await process.done(await process.create("t", card()))
        assert state(twin) == "CREATE_FAILED"
        assert "already exists" in (twin.reason or "")
        assert state(await process.done(await process.delete(twin))) == "DELETE_COMPLETE"
        (port,) = ports(made)
        assert port["uuid"] == (await process.rows(stack))["port"].physical_id
