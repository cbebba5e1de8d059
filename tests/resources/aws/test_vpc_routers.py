"""Subnets, route tables, gateways: which router serves what, and how that changes."""

from typing import Any

import pytest

from stackd.clients.failures import AnswerLost
from stackd.errors import PropertyError, ResourceFailure
from stackd.resources.follows import Sibling
from stackd.template.unknown import Unknown
from tests.support.context import FakeContext, among, followed, gone

NETWORKS = {"networks": [{"id": "out"}]}
ADD, REMOVE = "add_router_interface", "remove_router_interface"


def context(kind: str, physical: str | None = "thing", **properties: Any) -> FakeContext:
    """A resource in the VPC `net`, whose router is `own`; its subnet `sub` has the gateway 10.0.0.1."""
    ctx = FakeContext(f"AWS::EC2::{kind}", physical=physical, properties=properties)
    ctx.cloud.on("GET", "/networks/net", {"network": {"id": "net", "name": "vpc"}})
    ctx.cloud.on(
        "GET", "/subnets/sub", {"subnet": {"id": "sub", "gateway_ip": "10.0.0.1", "network_id": "net"}}
    )
    return ctx


def routers(ctx: FakeContext, *tables: Any, **own: Any) -> FakeContext:
    def answer(call: Any) -> Any:
        found = [{"id": "own", "name": "vpc", **own}] if "name" in call.params else list(tables)
        return {"routers": found}

    ctx.cloud.on("GET", "/routers", answer)
    return ctx


def served_by(ctx: FakeContext, *holders: str | None) -> FakeContext:
    """The routers that have the subnet's gateway address, each time that somebody asks."""

    def port(router: str) -> dict[str, Any]:
        address = {"subnet_id": "sub", "ip_address": "10.0.0.1"}
        return {"fixed_ips": [address], "device_id": router, "device_owner": "network:router_interface"}

    guest = {"fixed_ips": [{"ip_address": "10.0.0.9"}], "device_id": "vm", "device_owner": "compute:nova"}
    ctx.cloud.on("GET", "/ports", *({"ports": [guest, *([port(each)] if each else [])]} for each in holders))
    return ctx


def allow(ctx: FakeContext, *moves: str) -> FakeContext:
    for each in moves:
        ctx.cloud.on("PUT", f"/routers/{each}", {})
    return ctx


# --- subnets -----------------------------------------------------------------------------------


@pytest.mark.parametrize(("cidr", "version"), [("10.0.0.0/24", 4), ("fd00::/64", 6)])
async def test_subnet_is_made_in_the_network(cidr: str, version: int) -> None:
    ctx = context("Subnet", None, CidrBlock=cidr, VpcId="net", AvailabilityZone="z")
    ctx.cloud.on("POST", "/subnets", {"subnet": {"id": "sub"}})
    await ctx.type.create(ctx, ctx.props)
    [body] = ctx.cloud.sent("POST")
    name = ctx.physical_name
    assert body == {"subnet": {"name": name, "cidr": cidr, "network_id": "net", "ip_version": version}}
    assert await ctx.attribute("AvailabilityZone") == "z"


@pytest.mark.parametrize("cidr", ["10.0.0.0/33", "everywhere", Unknown("x")])
def test_range_of_a_subnet_must_be_one(cidr: Any) -> None:
    ctx = context("Subnet")
    props = ctx.type.properties.wrap({"CidrBlock": cidr})
    if isinstance(cidr, Unknown):
        ctx.type.validate(props)
        return
    with pytest.raises(PropertyError, match="no range") as caught:
        ctx.type.validate(props)
    assert caught.value.path == "properties.CidrBlock"


async def test_new_subnet_is_served_by_the_router_of_the_vpc() -> None:
    ctx = allow(
        served_by(routers(context("Subnet", "sub", CidrBlock="10.0.0.0/24", VpcId="net")), None), f"own/{ADD}"
    )
    await ctx.type.configure(ctx, ctx.props)
    assert ctx.cloud.sent("PUT", f"/routers/own/{ADD}") == [{"subnet_id": "sub"}]


async def test_subnet_that_a_route_table_serves_stays_there() -> None:
    ctx = served_by(routers(context("Subnet", "sub", CidrBlock="10.0.0.0/24", VpcId="net")), "table")
    await ctx.type.configure(ctx, ctx.props)
    assert ctx.cloud.asked() == []


async def test_subnet_of_a_plain_network_has_no_router() -> None:
    ctx = context("Subnet", "sub", CidrBlock="10.0.0.0/24", VpcId="net")
    ctx.cloud.on("GET", "/routers", {"routers": []})
    await ctx.type.configure(ctx, ctx.props)
    assert ctx.cloud.asked() == []


@pytest.mark.parametrize(("holders", "requests"), [((None, None, None, "own"), 1), ((None,), 2)])
async def test_interface_is_added_once_whatever_is_lost(holders: Any, requests: int) -> None:
    ctx = served_by(routers(context("Subnet", "sub", CidrBlock="10.0.0.0/24", VpcId="net")), *holders)
    ctx.cloud.on("PUT", f"/routers/own/{ADD}", AnswerLost("?"), {})
    await ctx.type.configure(ctx, ctx.props)
    assert len(ctx.cloud.sent("PUT")) == requests


async def test_subnet_is_taken_from_whichever_router_serves_it() -> None:
    ctx = served_by(context("Subnet", "sub", CidrBlock="10.0.0.0/24", VpcId="net"), "table")
    allow(ctx, f"table/{REMOVE}").cloud.on("DELETE", "/subnets/sub")
    await ctx.type.delete(ctx, ctx.props)
    assert ctx.cloud.asked() == [("PUT", f"/routers/table/{REMOVE}"), ("DELETE", "/subnets/sub")]


# --- route tables ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("own", "gateway"),
    [
        ({"external_gateway_info": None}, {}),
        (
            {"external_gateway_info": {"network_id": "out", "enable_snat": True}},
            {"external_gateway_info": {"network_id": "out"}},
        ),
    ],
)
async def test_route_table_has_the_way_out_of_the_vpc(own: Any, gateway: Any) -> None:
    ctx = routers(context("RouteTable", None, VpcId="net"), **own)
    ctx.cloud.on("POST", "/routers", {"router": {"id": "table", "status": "ACTIVE"}})
    await ctx.type.create(ctx, ctx.props)
    [body] = ctx.cloud.sent("POST")
    mark = {"name": ctx.physical_name, "description": "Route table of VPC net"}
    assert body == {"router": {**mark, **gateway}}


# --- associations ------------------------------------------------------------------------------


def association(*holders: str | None) -> FakeContext:
    ctx = context("SubnetRouteTableAssociation", "table:sub", RouteTableId="table", SubnetId="sub")
    return allow(
        served_by(routers(ctx), *holders),
        *(f"{router}/{each}" for router in ("own", "table", "new") for each in (ADD, REMOVE)),
    )


async def test_association_names_both() -> None:
    ctx = context("SubnetRouteTableAssociation", None, RouteTableId="table", SubnetId="sub")
    await ctx.type.create(ctx, ctx.props)
    assert ctx.physical_id == "table:sub"


@pytest.mark.parametrize(
    ("holder", "moves"),
    [
        ("own", [("PUT", f"/routers/own/{REMOVE}"), ("PUT", f"/routers/table/{ADD}")]),
        (None, [("PUT", f"/routers/table/{ADD}")]),
        ("table", []),
    ],
)
@pytest.mark.parametrize("verb", ["configure", "undo_replace"])
async def test_association_moves_the_subnet(verb: str, holder: str | None, moves: Any) -> None:
    ctx = association(holder)
    await getattr(ctx.type, verb)(ctx, ctx.props)
    assert ctx.cloud.asked() == moves


async def test_association_gives_the_subnet_back() -> None:
    ctx = association("table")
    await ctx.type.delete(ctx, ctx.props)
    assert ctx.cloud.asked() == [("PUT", f"/routers/table/{REMOVE}"), ("PUT", f"/routers/own/{ADD}")]


async def test_association_that_was_interrupted_gives_the_subnet_back_nevertheless() -> None:
    ctx = association(None)
    await ctx.type.delete(ctx, ctx.props)
    assert ctx.cloud.asked() == [("PUT", f"/routers/own/{ADD}")]


async def test_subnet_of_a_plain_network_only_loses_the_route_table() -> None:
    ctx = association("table")
    ctx.cloud.on("GET", "/routers", {"routers": []})
    await ctx.type.delete(ctx, ctx.props)
    assert ctx.cloud.asked() == [("PUT", f"/routers/table/{REMOVE}")]


async def test_association_leaves_a_subnet_that_another_one_has_moved() -> None:
    ctx = association("new")
    await ctx.type.delete(ctx, ctx.props)
    assert ctx.cloud.asked() == []


# --- gateways ----------------------------------------------------------------------------------

TABLES = ({"id": "one", "external_gateway_info": None}, {"id": "two", "external_gateway_info": None})


async def test_all_routers_of_the_vpc_get_a_way_out() -> None:
    ctx = routers(context("VPCGatewayAttachment", "net", VpcId="net", InternetGatewayId="g"), *TABLES)
    allow(ctx, "own", "one", "two").cloud.on("GET", "/networks", NETWORKS)
    await ctx.type.configure(ctx, ctx.props)
    info = {"router": {"external_gateway_info": {"network_id": "out"}}}
    assert ctx.cloud.asked() == [("PUT", f"/routers/{each}") for each in ("own", "one", "two")]
    assert ctx.cloud.sent("PUT") == [info] * 3


async def test_router_that_has_the_way_out_is_left_alone() -> None:
    ctx = routers(
        context("VPCGatewayAttachment", "net", VpcId="net"), external_gateway_info={"network_id": "out"}
    )
    ctx.cloud.on("GET", "/networks", NETWORKS)
    await ctx.type.configure(ctx, ctx.props)
    assert ctx.cloud.asked() == []


async def test_way_out_goes_with_the_attachment() -> None:
    has = {"external_gateway_info": {"network_id": "out"}}
    ctx = routers(context("VPCGatewayAttachment", "net", VpcId="net"), {"id": "one", **has}, **has)
    allow(ctx, "own").cloud.on("PUT", "/routers/one", gone())
    await ctx.type.delete(ctx, ctx.props)
    assert ctx.cloud.sent("PUT") == [{"router": {"external_gateway_info": {}}}] * 2


async def test_replacement_for_the_same_vpc_takes_the_connection_over() -> None:
    ctx = context("VPCGatewayAttachment", None, VpcId="net")
    await ctx.type.create(ctx, ctx.props)
    assert ctx.physical_id == "net"


@pytest.mark.parametrize(
    ("networks", "meant"),
    [
        ([{"id": "a"}], "a"),
        ([{"id": "a", "is_default": False}, {"id": "b", "is_default": True}], "b"),
        ([], None),
        ([{"id": "a"}, {"id": "b"}], None),
    ],
)
async def test_external_network_must_be_one(networks: Any, meant: str | None) -> None:
    ctx = context("EIP", None)
    ctx.cloud.on("GET", "/networks", {"networks": networks})
    ctx.cloud.on("POST", "/floatingips", {"floatingip": {"id": "f"}})
    if meant is None:
        with pytest.raises(ResourceFailure, match=f"sees {len(networks)} of which 0"):
            await ctx.type.create(ctx, ctx.props)
        return
    await ctx.type.create(ctx, ctx.props)
    assert ctx.cloud.sent("POST")[0]["floatingip"]["floating_network_id"] == meant


def test_attachment_follows_the_route_tables_of_its_vpc() -> None:
    ctx = context("VPCGatewayAttachment", VpcId="x")
    mine, other = Unknown("vpc"), Unknown("other")
    siblings = among(
        Sibling("a", "AWS::EC2::RouteTable", {"VpcId": mine}),
        Sibling("b", "AWS::EC2::RouteTable", {"VpcId": other}),
        Sibling("c", "AWS::EC2::Subnet", {"VpcId": mine}),
    )
    props = ctx.type.properties.wrap({"VpcId": mine})
    assert followed(ctx, props, siblings) == {"a"}


async def test_gateway_is_only_a_name() -> None:
    ctx = context("InternetGateway", None, Tags=[{"Key": "a", "Value": "b"}])
    await ctx.type.create(ctx, ctx.props)
    await ctx.type.delete(ctx, ctx.props)
    assert (ctx.physical_id, ctx.cloud.calls) == (ctx.physical_name, [])
