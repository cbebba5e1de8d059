"""OS::Neutron::ExtraRouteSet, further routes of a router."""

from __future__ import annotations

from stackd.resources.base import ResourceType
from stackd.resources.constraints import custom
from stackd.resources.context import JSON, Context
from stackd.resources.neutron.router_routes import (
    BEHIND_INTERFACES,
    add_routes,
    refuse_present,
    remove_routes,
    route,
)
from stackd.resources.registry import resource_type
from stackd.resources.schema import IN_PLACE, Properties, prop


class ExtraRouteProps(Properties):
    """One route."""

    destination: str = prop(
        "Network behind the route, in CIDR notation.", required=True, constraints=[custom("net_cidr")]
    )
    nexthop: str = prop("Address of the next hop.", required=True, constraints=[custom("ip_addr")])


class ExtraRouteSetProps(Properties):
    """Properties of a set of routes."""

    router: str = prop("Name or id of the router.", required=True, find="neutron.router")
    routes: list[ExtraRouteProps] = prop("The routes.", default=[], update=IN_PLACE)


@resource_type("OS::Neutron::ExtraRouteSet", since="14.0.0")
class ExtraRouteSet(ResourceType[ExtraRouteSetProps]):
    """Routes of a router, beside those of others. They are no object of the cloud: the id is the router's."""

    service = "network"
    extension = "extraroute-atomic"
    follows = (BEHIND_INTERFACES,)

    def broken(self, live: JSON) -> bool:
        """Routes that could not be added are added again."""
        return False

    async def create(self, ctx: Context, props: ExtraRouteSetProps) -> None:
        """The routes, which are added afterwards, must be new."""
        await refuse_present(ctx, props.router, _routes(props))
        await ctx.created(props.router)

    async def configure(self, ctx: Context, props: ExtraRouteSetProps) -> None:
        """Add the routes."""
        await add_routes(ctx, props.router, _routes(props))

    async def update(self, ctx: Context, old: ExtraRouteSetProps, new: ExtraRouteSetProps) -> None:
        """Remove what is no longer listed, and then add: two routes to one place may exclude each other."""
        before, after = _routes(old), _routes(new)
        await remove_routes(ctx, new.router, [each for each in before if each not in after])
        await add_routes(ctx, new.router, after)

    async def delete(self, ctx: Context, props: ExtraRouteSetProps) -> None:
        """Remove the routes."""
        await remove_routes(ctx, str(ctx.physical_id), _routes(props))

    async def prepare_for_replace(self, ctx: Context, props: ExtraRouteSetProps) -> None:
        """Remove the routes already: the new ones may be the same."""
        await self.delete(ctx, props)

    async def undo_replace(self, ctx: Context, props: ExtraRouteSetProps) -> None:
        """Add the routes again."""
        await add_routes(ctx, str(ctx.physical_id), _routes(props))


def _routes(props: ExtraRouteSetProps) -> list[JSON]:
    return [route(each) for each in props.data["routes"] or ()]
