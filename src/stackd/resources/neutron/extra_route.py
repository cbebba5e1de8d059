"""OS::Neutron::ExtraRoute, one further route of a router."""

from __future__ import annotations

from collections.abc import Sequence

from stackd.resources.base import ResourceType
from stackd.resources.context import JSON, Context
from stackd.resources.neutron.router_routes import (
    BEHIND_GATEWAY,
    BEHIND_INTERFACES,
    add_routes,
    present_routes,
    refuse_present,
    remove_routes,
    route,
)
from stackd.resources.registry import resource_type
from stackd.resources.schema import Properties, Support, prop


class ExtraRouteProps(Properties):
    """Properties of a route."""

    router_id: str = prop("Name or id of the router.", required=True, find="neutron.router")
    destination: str = prop("Network behind the route, in CIDR notation.", required=True)
    nexthop: str = prop("Address of the next hop.", required=True)


@resource_type(
    "OS::Neutron::ExtraRoute",
    support=Support("UNSUPPORTED", message="Use OS::Neutron::ExtraRouteSet for several routes at once."),
)
class ExtraRoute(ResourceType[ExtraRouteProps]):
    """A route of a router; the cloud has no object for it, so its id is made of router and route."""

    service = "network"
    extension = "extraroute"
    follows = (BEHIND_INTERFACES, BEHIND_GATEWAY)

    async def create(self, ctx: Context, props: ExtraRouteProps) -> None:
        """Add the route, which must be new."""
        wanted = [route(props.data)]
        await refuse_present(ctx, props.router_id, wanted)
        await add_routes(ctx, props.router_id, wanted)
        await ctx.created(_physical_id(props))

    async def find(self, ctx: Context, props: ExtraRouteProps) -> Sequence[JSON]:
        """The route, if the router has it."""
        present = await present_routes(ctx, props.router_id)
        return [{"id": _physical_id(props)}] if route(props.data) in present else []

    async def delete(self, ctx: Context, props: ExtraRouteProps) -> None:
        """Remove the route."""
        await remove_routes(ctx, props.router_id, [route(props.data)])

    async def prepare_for_replace(self, ctx: Context, props: ExtraRouteProps) -> None:
        """Remove the route already: the new one may be the same."""
        await self.delete(ctx, props)

    async def undo_replace(self, ctx: Context, props: ExtraRouteProps) -> None:
        """Add the route again."""
        await add_routes(ctx, props.router_id, [route(props.data)])


def _physical_id(props: ExtraRouteProps) -> str:
    return f"{props.router_id}:{props.destination}:{props.nexthop}"
