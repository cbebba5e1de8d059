"""OS::Neutron::RouterGateway, a router's way to the outside, apart from the router."""

from __future__ import annotations

from collections.abc import Sequence

from stackd.resources.base import ResourceType
from stackd.resources.context import JSON, Context
from stackd.resources.follows import Follows, one
from stackd.resources.neutron.network import former
from stackd.resources.neutron.router_routes import BEHIND_INTERFACES
from stackd.resources.neutron.siblings import SUBNET, network_key
from stackd.resources.registry import resource_type
from stackd.resources.rules import at_least_one
from stackd.resources.schema import Properties, Support, prop

_OLD_NETWORK = Support("HIDDEN", "9.0.0", previous=Support("DEPRECATED", "2014.2"))


class RouterGatewayProps(Properties):
    """Properties of a gateway."""

    router_id: str = prop("Name or id of the router.", required=True, find="neutron.router")
    network_id: str | None = former("network", "neutron.network", support=_OLD_NETWORK)
    network: str | None = prop("Name or id of the external network.", find="neutron.network")


@resource_type(
    "OS::Neutron::RouterGateway",
    support=Support(
        "HIDDEN",
        "5.0.0",
        message="Use external_gateway_info of OS::Neutron::Router instead.",
        previous=Support("DEPRECATED", "2014.1"),
    ),
)
class RouterGateway(ResourceType[RouterGatewayProps]):
    """Connects a router to an external network; its physical id is ``router:network``.

    A router has one gateway: one that meanwhile leads elsewhere is not ours, and stays.
    """

    service = "network"
    follows = (
        BEHIND_INTERFACES,
        Follows(SUBNET, key=network_key, keys=one(network_key)),
    )

    def validate(self, props: RouterGatewayProps) -> None:
        """The network has two names, and one of them must be used."""
        at_least_one(props, "network")

    async def create(self, ctx: Context, props: RouterGatewayProps) -> None:
        """Set the gateway."""
        await _write(ctx, props.router_id, {"network_id": props.network})
        await ctx.created(_physical_id(props))

    async def find(self, ctx: Context, props: RouterGatewayProps) -> Sequence[JSON]:
        """The gateway, if it leads to the network."""
        leads = await _network(ctx, props.router_id) == props.network
        return [{"id": _physical_id(props)}] if leads else []

    async def delete(self, ctx: Context, props: RouterGatewayProps) -> None:
        """Take the gateway away."""
        router, _, external = ctx.physical_id.partition(":")
        if await _network(ctx, router) == external:
            await _write(ctx, router, {})


def _physical_id(props: RouterGatewayProps) -> str:
    return f"{props.router_id}:{props.network}"


async def _network(ctx: Context, router: str) -> str | None:
    live = (await ctx.cloud.network.get(f"/routers/{router}"))["router"]
    gateway: JSON = live.get("external_gateway_info") or {}
    return gateway.get("network_id")


async def _write(ctx: Context, router: str, gateway: JSON) -> None:
    await ctx.cloud.network.put(f"/routers/{router}", {"router": {"external_gateway_info": gateway}})
