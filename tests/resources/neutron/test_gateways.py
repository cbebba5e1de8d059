"""Gateways at the edge of the cloud: how networks are connected to them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from stackd.errors import CloudConflict, CloudNotFound, PropertyError
from stackd.template.unknown import Unknown
from tests.support.context import FakeContext, FakeFinder

GATEWAY = {"devices": [{"id": "d1", "interface_name": "eth0"}]}
L2 = {"l2_gateway_id": "g1", "network_id": "n1"}


def context(kind: str, physical: str | None = None, **properties: Any) -> FakeContext:
    return FakeContext(f"OS::Neutron::{kind}", properties=properties, physical=physical)


@pytest.mark.parametrize(
    ("number", "live", "found"),
    [("7", 7, ["x1"]), ("7", "7", ["x1"]), ("7", 8, []), (None, None, ["x1"]), (None, 7, [])],
)
async def test_connection_is_found_by_what_it_connects(number: Any, live: Any, found: Any) -> None:
    ctx = context("L2GatewayConnection", **L2, **({"segmentation_id": number} if number else {}))
    await ctx.put_data(older=[])
    made = [{"id": "x1", **L2, "segmentation_id": live}, {"id": "x2", "segmentation_id": live}]
    ctx.cloud.on("GET", "/l2-gateway-connections", {"l2_gateway_connections": made})
    assert [each["id"] for each in await ctx.type.find(ctx, ctx.props)] == found
    assert ctx.cloud.calls[0].params == L2


async def test_connection_is_made_without_a_name() -> None:
    ctx = context("L2GatewayConnection", **L2, segmentation_id=7)
    ctx.cloud.on("GET", "/l2-gateway-connections", {"l2_gateway_connections": []})
    ctx.cloud.on("POST", "/l2-gateway-connections", {"l2_gateway_connection": {"id": "x1"}})
    await ctx.type.create(ctx, ctx.props)
    assert ctx.cloud.sent("POST") == [{"l2_gateway_connection": {**L2, "segmentation_id": "7"}}]


def vlan(network: str, number: int) -> dict[str, Any]:
    return {"network": network, "segmentation_type": "vlan", "segmentation_id": number}


def sent_vlan(network: str, number: int) -> dict[str, Any]:
    return {"network_id": network, "segmentation_type": "vlan", "segmentation_id": number}


FLAT = {"network_id": "n0", "segmentation_type": "flat"}


def gateway(**properties: Any) -> FakeContext:
    ctx = context("NetworkGateway", "x1", **GATEWAY, **properties)
    for verb in ("connect", "disconnect"):
        ctx.cloud.on("PUT", f"/network-gateways/x1/{verb}_network", {})
    return ctx


def joined(ctx: FakeContext, verb: str, identity: str = "x1") -> list[Any]:
    return list(ctx.cloud.sent("PUT", f"/network-gateways/{identity}/{verb}_network"))


async def test_networks_are_connected_once_the_gateway_is_there() -> None:
    ctx = gateway(connections=[{"network_id": "n0"}, vlan("n1", 5)])
    await ctx.type.configure(ctx, ctx.props)
    assert joined(ctx, "connect") == [FLAT, sent_vlan("n1", 5)]


async def test_connection_of_an_interrupted_attempt_is_made_again() -> None:
    ctx = gateway(connections=[vlan("n1", 5)])
    ctx.cloud.on("PUT", "/network-gateways/x1/connect_network", CloudConflict("in use"), {})
    await ctx.type.configure(ctx, ctx.props)
    assert joined(ctx, "disconnect") == [sent_vlan("n1", 5)]
    assert joined(ctx, "connect") == [sent_vlan("n1", 5)] * 2


async def test_conflict_with_another_connection_is_one() -> None:
    ctx = gateway(connections=[vlan("n1", 5)])
    ctx.cloud.on("PUT", "/network-gateways/x1/connect_network", CloudConflict("in use"))
    ctx.cloud.on("PUT", "/network-gateways/x1/disconnect_network", CloudNotFound())
    with pytest.raises(CloudConflict, match="in use"):
        await ctx.type.configure(ctx, ctx.props)


async def test_connections_that_stay_are_not_interrupted() -> None:
    ctx = gateway()
    ctx.cloud.on("PUT", "/network-gateways/x1/disconnect_network", CloudNotFound())
    ctx.cloud.on("PUT", "/network-gateways/x1", {})
    old, new = [{"network": "n0"}, vlan("n1", 5)], [vlan("n1", 5), vlan("n1", 6)]
    before, after = (ctx.load({**GATEWAY, "connections": each}) for each in (old, new))
    await ctx.type.update(ctx, before, after)
    assert joined(ctx, "disconnect") == [FLAT]
    assert joined(ctx, "connect") == [sent_vlan("n1", 6)]


async def test_networks_are_disconnected_before_the_gateway_goes() -> None:
    ctx = gateway(connections=[{"network": "n0"}])
    ctx.cloud.on("PUT", "/network-gateways/x1/disconnect_network", CloudNotFound())
    ctx.cloud.on("DELETE", "/network-gateways/x1")
    await ctx.type.delete(ctx, ctx.props)
    assert joined(ctx, "disconnect") == [FLAT]
    assert ctx.cloud.asked()[-1] == ("DELETE", "/network-gateways/x1")


async def test_networks_of_a_failed_update_are_disconnected_too_though_they_are_named() -> None:
    before = {**GATEWAY, "connections": [vlan("gone", 6), vlan("lan", 5)]}
    ctx = gateway(connections=[{"network": "n0"}])
    ctx.find = FakeFinder({("neutron.network", "lan"): "n1"})
    ctx.resource = replace(ctx.resource, previous_properties=before)
    ctx.cloud.on("DELETE", "/network-gateways/x1")
    await ctx.type.delete(ctx, ctx.props)
    assert joined(ctx, "disconnect") == [FLAT, sent_vlan("gone", 6), sent_vlan("n1", 5)]


async def test_other_devices_make_another_gateway() -> None:
    ctx = gateway()
    old = ctx.load({**GATEWAY, "connections": [{"network": "n0"}]})
    devices = [{"id": "d2", "interface_name": "eth0"}]
    new = ctx.load({"devices": devices, "connections": [vlan("n1", 5)]})
    ctx.cloud.on("DELETE", "/network-gateways/x1").on("GET", "/network-gateways", {"network_gateways": []})
    ctx.cloud.on("POST", "/network-gateways", {"network_gateway": {"id": "x2"}})
    ctx.cloud.on("PUT", "/network-gateways/x2/connect_network", {})
    await ctx.type.update(ctx, old, new)
    assert joined(ctx, "disconnect") == [FLAT]
    assert ctx.physical_id == "x2"
    assert joined(ctx, "connect", "x2") == [sent_vlan("n1", 5)]
    assert ctx.data == {}


async def test_gateway_that_was_made_before_an_interruption_is_used() -> None:
    ctx = gateway()
    devices = [{"id": "d2", "interface_name": "eth0"}]
    new = ctx.load({"devices": devices})
    await ctx.put_data(renewing=new.data)
    found = [{"id": "x2", "name": ctx.physical_name}]
    ctx.cloud.on("GET", "/network-gateways", {"network_gateways": found})
    await ctx.type.update(ctx, ctx.load(GATEWAY), new)
    assert ctx.physical_id == "x2"
    assert ctx.cloud.asked() == []


@pytest.mark.parametrize(
    ("connection", "complaint"),
    [
        ({"segmentation_type": "vlan"}, "is required"),
        ({"segmentation_id": 5}, "must be left out"),
        ({"segmentation_type": "vlan", "segmentation_id": 0}, None),
        ({"segmentation_id": 0}, None),
        ({"segmentation_type": Unknown("a"), "segmentation_id": 5}, None),
        ({"segmentation_id": Unknown("a")}, None),
    ],
)
def test_only_vlans_have_numbers(connection: Any, complaint: str | None) -> None:
    ctx = gateway(connections=[{"network": "n0", **connection}])
    if complaint is None:
        assert ctx.type.validate(ctx.props) is None
        return
    with pytest.raises(PropertyError, match=f"segmentation_id {complaint}") as raised:
        ctx.type.validate(ctx.props)
    assert raised.value.path.startswith("properties.connections[0]")
