"""The routers of VPCs: which one serves a VPC or a subnet, and its way to the outside.

A VPC is a network with a router of the same name; a route table is a router whose description names the VPC.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any, Final

from stackd.errors import CloudNotFound
from stackd.resources.beside import once
from stackd.resources.context import JSON, Context
from stackd.resources.follows import ANY, Follows, Key, Siblings, key_of
from stackd.resources.neutron.network import network
from stackd.resources.neutron.siblings import GATEWAY, INTERFACE, network_key

ROUTER: Final = network("router")
ATTACHMENT: Final = "AWS::EC2::VPCGatewayAttachment"
TABLE: Final = "AWS::EC2::RouteTable"
_ASSOCIATION: Final = "AWS::EC2::SubnetRouteTableAssociation"


def vpc_key(properties: Mapping[str, Any]) -> Key:
    """The VPC of a route table or a gateway."""
    return key_of(properties.get("VpcId"))


def _any_if_reached(properties: Mapping[str, Any], siblings: Siblings) -> Sequence[Key]:
    """Any sibling may be on the way to the instance or port that an address is for."""
    return (ANY,) if any(properties.get(name) for name in ("InstanceId", "NetworkInterfaceId")) else ()


WAY_OUT: Final = (
    Follows(ATTACHMENT, key=vpc_key, keys=_any_if_reached, guess=True),
    Follows(_ASSOCIATION, key=vpc_key, keys=_any_if_reached, guess=True),
    Follows(INTERFACE, key=network_key, keys=_any_if_reached, guess=True),
    Follows(GATEWAY, key=network_key, keys=_any_if_reached, guess=True),
)
"""What an address needs that is translated to something inside, and what cannot go before it."""


def table_mark(vpc: str) -> str:
    """The description of the routers that are route tables of a VPC."""
    return f"Route table of VPC {vpc}"


async def router_of_vpc(ctx: Context, vpc: str) -> JSON | None:
    """The router that a VPC has by itself; None where the network is not made as a VPC."""
    name = (await ctx.cloud.network.get(f"/networks/{vpc}"))["network"]["name"]
    found = await ctx.cloud.network.list_all("/routers", "routers", {"name": name}) if name else []
    return found[0] if found else None


async def routers_of_vpc(ctx: Context, vpc: str) -> list[JSON]:
    """The VPC's own router and its route tables."""
    own = await router_of_vpc(ctx, vpc)
    tables = await ctx.cloud.network.list_all("/routers", "routers", {"description": table_mark(vpc)})
    return [*([own] if own else []), *tables]


def gateway_of(router: JSON | None) -> str | None:
    """The external network that a router is connected to."""
    return ((router or {}).get("external_gateway_info") or {}).get("network_id")


async def set_gateway(ctx: Context, router: JSON, external: str | None) -> None:
    """Connect a router to an external network, or to none."""
    if gateway_of(router) == external:
        return
    info = {"network_id": external} if external else {}
    with suppress(CloudNotFound):
        await ctx.cloud.network.put(f"/routers/{router['id']}", {"router": {"external_gateway_info": info}})


async def router_at(ctx: Context, subnet: str) -> str | None:
    """The router that has the gateway address of a subnet; None if there is none."""
    gateway = (await ctx.cloud.network.get(f"/subnets/{subnet}"))["subnet"]["gateway_ip"]
    ports = await ctx.cloud.network.list_all("/ports", "ports", {"fixed_ips": f"subnet_id={subnet}"})
    for port in ports:
        addresses = {each["ip_address"] for each in port["fixed_ips"]}
        if gateway in addresses and str(port.get("device_owner")).startswith("network:"):
            return str(port["device_id"])
    return None


async def connect(ctx: Context, subnet: str, router: str) -> None:
    """Let a router serve a subnet, in place of the one that does so now. Idempotent."""
    holder = await router_at(ctx, subnet)
    if holder and holder != router:
        await disconnect(ctx, subnet, holder)

    async def is_done() -> bool:
        return await router_at(ctx, subnet) == router

    async def ask() -> None:
        path = f"/routers/{router}/add_router_interface"
        await ctx.cloud.network.request("PUT", path, json={"subnet_id": subnet}, idempotent=False)

    await once(ctx, is_done, ask)


async def disconnect(ctx: Context, subnet: str, router: str) -> None:
    """Take a subnet away from a router. Idempotent: ignores 404."""
    with suppress(CloudNotFound):
        await ctx.cloud.network.put(f"/routers/{router}/remove_router_interface", {"subnet_id": subnet})
