from typing import Any

import pytest

from stackd.errors import PropertyError, ResourceFailure
from stackd.resources.follows import Sibling
from tests.support.context import FakeContext, among, followed, gone

EIP, ASSOCIATION = "AWS::EC2::EIP", "AWS::EC2::EIPAssociation"
PORTS = {
    "interfaceAttachments": [
        {"port_id": "six", "fixed_ips": [{"ip_address": "fd00::1"}]},
        {"port_id": "p", "fixed_ips": [{"ip_address": "10.0.0.9"}]},
    ]
}


def point(port: str | None) -> dict[str, Any]:
    return {"floatingip": {"port_id": port}}


def with_server(ctx: FakeContext) -> FakeContext:
    ctx.cloud.on("GET", "/servers/s/os-interface", PORTS).on("PUT", "/floatingips/f", {})
    ctx.cloud.on("GET", "/floatingips/f", {"floatingip": {"id": "f", "floating_ip_address": "172.24.4.5"}})
    return ctx


def eip(physical: str | None = "f", **properties: Any) -> FakeContext:
    return with_server(FakeContext(EIP, physical=physical, properties=properties))


async def test_reference_is_the_address() -> None:
    ctx = eip(None, Domain="vpc")
    assert ctx.type.reference(ctx.resource) == "thing"
    ctx.cloud.on("GET", "/networks", {"networks": [{"id": "out"}]})
    made = {"floatingip": {"id": "f", "floating_ip_address": "172.24.4.5"}}
    ctx.cloud.on("POST", "/floatingips", made)
    await ctx.type.create(ctx, ctx.props)
    await ctx.type.configure(ctx, ctx.props)
    [body] = ctx.cloud.sent("POST")
    assert body == {"floatingip": {"description": ctx.physical_name, "floating_network_id": "out"}}
    assert ctx.type.reference(ctx.resource) == "172.24.4.5"
    assert await ctx.attribute("AllocationId") == "f"
    assert ctx.cloud.sent("PUT") == []


async def test_interrupted_creation_is_found_by_its_description() -> None:
    ctx = eip(None)
    mine = {"id": "f", "description": ctx.physical_name}
    ctx.cloud.on("GET", "/floatingips", {"floatingips": [mine, {"id": "g", "description": ""}]})
    assert await ctx.type.find(ctx, ctx.props) == [mine]


async def test_address_leads_to_the_first_port_with_an_ipv4_address() -> None:
    ctx = eip(InstanceId="s")
    await ctx.type.configure(ctx, ctx.props)
    assert ctx.cloud.sent("PUT") == [point("p")]


@pytest.mark.parametrize(("instance", "port"), [({"InstanceId": "s"}, "p"), ({}, None)])
async def test_instance_is_changed_in_place(instance: Any, port: str | None) -> None:
    ctx = eip(InstanceId="old")
    await ctx.type.update(ctx, ctx.props, ctx.load(instance))
    assert ctx.cloud.sent("PUT") == [point(port)]


async def test_replacement_gets_the_instance_and_rollback_gives_it_back() -> None:
    ctx = eip(InstanceId="s")
    await ctx.type.prepare_for_replace(ctx, ctx.props)
    await ctx.type.undo_replace(ctx, ctx.props)
    assert ctx.cloud.sent("PUT") == [point(None), point("p")]


async def test_instance_without_an_address_is_an_error_that_names_it() -> None:
    ctx = eip(InstanceId="s")
    ctx.cloud.on("GET", "/servers/s/os-interface", {"interfaceAttachments": []})
    with pytest.raises(ResourceFailure, match="Instance s has no address"):
        await ctx.type.configure(ctx, ctx.props)


@pytest.mark.parametrize("kind", [EIP, ASSOCIATION])
def test_addresses_come_after_all_that_may_be_on_the_way(kind: str) -> None:
    ctx = FakeContext(kind)
    siblings = among(
        Sibling("gateway", "AWS::EC2::VPCGatewayAttachment", {"VpcId": "v"}),
        Sibling("route", "AWS::EC2::SubnetRouteTableAssociation", {}),
        Sibling("interface", "OS::Neutron::RouterInterface", {}),
        Sibling("other", "AWS::EC2::Subnet", {"VpcId": "v"}),
    )
    assert followed(ctx, ctx.type.properties.wrap({"InstanceId": "s"}), siblings) == {
        "gateway",
        "route",
        "interface",
    }
    assert followed(ctx, ctx.type.properties.wrap({}), siblings) == set()


# --- associations ------------------------------------------------------------------------------


def association(physical: str | None = "f:p", stored: Any = None, **properties: Any) -> FakeContext:
    ctx = FakeContext(ASSOCIATION, physical=physical, properties=properties, stored=stored or {})
    ctx.cloud.on("GET", "/floatingips", {"floatingips": [{"id": "f"}]})
    return with_server(ctx)


async def test_address_is_found_and_led_to_the_instance() -> None:
    ctx = association(None, EIP="172.24.4.5", InstanceId="s")
    await ctx.type.create(ctx, ctx.props)
    assert (ctx.physical_id, ctx.cloud.asked()) == ("f:p", [])
    assert ctx.type.reference(ctx.resource) == ctx.physical_name
    await ctx.type.configure(ctx, ctx.props)
    assert ctx.cloud.asked() == [("PUT", "/floatingips/f")]
    assert ctx.cloud.sent("PUT") == [point("p")]


async def test_unknown_address_is_named() -> None:
    ctx = association(None, EIP="172.24.4.5", InstanceId="s")
    ctx.cloud.on("GET", "/floatingips", {"floatingips": []})
    with pytest.raises(ResourceFailure, match=r"172\.24\.4\.5"):
        await ctx.type.create(ctx, ctx.props)


@pytest.mark.parametrize("has", [None, "out"])
async def test_router_of_the_vpc_gets_a_way_out_for_an_allocation(has: str | None) -> None:
    ctx = association(AllocationId="f", NetworkInterfaceId="p")
    ctx.cloud.on("GET", "/ports/p", {"port": {"network_id": "net"}})
    ctx.cloud.on("GET", "/networks/net", {"network": {"name": "vpc"}})
    gateway = {"network_id": has} if has else None
    ctx.cloud.on("GET", "/routers", {"routers": [{"id": "r", "external_gateway_info": gateway}]})
    ctx.cloud.on("GET", "/floatingips/f", {"floatingip": {"floating_network_id": "out"}})
    ctx.cloud.on("PUT", "/routers/r", {})
    await ctx.type.configure(ctx, ctx.props)
    assert ctx.cloud.asked() == [*([] if has else [("PUT", "/routers/r")]), ("PUT", "/floatingips/f")]


@pytest.mark.parametrize(("leads_to", "requests"), [("p", [point(None)]), ("other", [])])
async def test_address_is_released_if_it_still_leads_there(leads_to: str, requests: Any) -> None:
    ctx = association(AllocationId="f", NetworkInterfaceId="p")
    ctx.cloud.on("GET", "/floatingips/f", {"floatingip": {"port_id": leads_to}})
    await ctx.type.delete(ctx, ctx.props)
    assert ctx.cloud.sent("PUT") == requests


async def test_address_that_is_gone_counts_as_released() -> None:
    ctx = association(AllocationId="f", NetworkInterfaceId="p")
    ctx.cloud.on("GET", "/floatingips/f", gone())
    await ctx.type.delete(ctx, ctx.props)
    assert ctx.cloud.asked() == []


async def test_former_address_is_released_by_an_update() -> None:
    ctx = association(EIP="172.24.4.9", InstanceId="s", physical="g:p")
    ctx.cloud.on("GET", "/floatingips/g", {"floatingip": {"port_id": "p"}}).on("PUT", "/floatingips/g", {})
    await ctx.type.update(ctx, ctx.props, ctx.load({"EIP": "172.24.4.5", "InstanceId": "s"}))
    assert ctx.physical_id == "f:p"
    assert ctx.cloud.asked() == [("PUT", "/floatingips/g"), ("PUT", "/floatingips/f")]
    assert ctx.cloud.sent("PUT") == [point(None), point("p")]


@pytest.mark.parametrize(
    ("changed", "replaces"),
    [
        ({"EIP"}, False),
        ({"InstanceId"}, False),
        ({"EIP", "AllocationId"}, False),
        ({"AllocationId", "NetworkInterfaceId"}, True),
    ],
)
def test_both_ends_cannot_change_in_place(changed: set[str], replaces: bool) -> None:
    ctx = association()
    assert bool(ctx.type.needs_replace(ctx.props, ctx.props, frozenset(changed))) is replaces


@pytest.mark.parametrize(
    "properties",
    [
        {},
        {"EIP": "1.2.3.4"},
        {"AllocationId": "f"},
        {"EIP": "1.2.3.4", "AllocationId": "f", "InstanceId": "s"},
        {"EIP": "1.2.3.4", "NetworkInterfaceId": "p"},
    ],
)
def test_one_address_and_one_target_are_needed(properties: Any) -> None:
    ctx = association(**properties)
    with pytest.raises(PropertyError):
        ctx.type.validate(ctx.props)
