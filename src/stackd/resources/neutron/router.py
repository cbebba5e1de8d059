"""OS::Neutron::Router, which connects networks with each other and with the outside."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar

from stackd.errors import PropertyError
from stackd.resources.base import Entity, ResourceType, Siblings, attr
from stackd.resources.context import JSON, Context
from stackd.resources.neutron import objects
from stackd.resources.neutron.agents import L3, assign
from stackd.resources.neutron.gateway import GatewayProps, gateway_body
from stackd.resources.neutron.objects import fields, is_set, known
from stackd.resources.registry import resource_type
from stackd.resources.schema import IN_PLACE, Properties, Support, prop

_ROUTER = Entity("network", "/routers", "router", "routers")
_FIELDS = fields("name", "admin_state_up", "distributed", "ha", "tenant_id", "availability_zone_hints")


class RouterProps(Properties):
    """Properties of a router."""

    name: str | None = prop("Name of the router.", update=IN_PLACE)
    external_gateway_info: GatewayProps | None = prop("The router's way to the outside.", update=IN_PLACE)
    value_specs: dict[str, Any] = objects.value_specs()
    admin_state_up: bool = prop("Whether the router forwards.", default=True, update=IN_PLACE)
    l3_agent_id: str | None = prop(
        "Id of the L3 agent that serves the router.",
        update=IN_PLACE,
        support=Support(
            "HIDDEN", "6.0.0", previous=Support("DEPRECATED", "2015.1", previous=Support(version="2014.1"))
        ),
    )
    l3_agent_ids: list[str] | None = prop(
        "Ids of the L3 agents that serve the router; several only if it is highly available.",
        update=IN_PLACE,
        since="2015.1",
    )
    distributed: bool | None = prop("Whether the router works on every compute host.", since="2015.1")
    ha: bool | None = prop("Whether the router is highly available.", since="2015.1")
    availability_zone_hints: list[Any] | None = prop(
        "Availability zones in which the router should be.", update=IN_PLACE, since="19.0.0"
    )
    tags: list[str] | None = objects.tags("router")
    tenant_id: str | None = prop(
        "Project that owns the router; only administrators may choose another.", since="24.0.0"
    )


@resource_type("OS::Neutron::Router")
class Router(ResourceType[RouterProps]):
    """Forwards packets between networks and translates addresses to the outside."""

    properties = RouterProps
    service = "network"
    extension = "router"
    entity = _ROUTER
    attributes: ClassVar = {
        "status": attr("State of the router."),
        "external_gateway_info": attr("The router's way to the outside.", "map"),
        "name": attr("Name of the router."),
        "admin_state_up": attr("Whether the router forwards."),
        "tenant_id": attr("Project that owns the router."),
    }

    def validate(self, props: RouterProps) -> None:
        """A distributed router is neither highly available nor bound to agents."""
        objects.check_value_specs(props)
        objects.at_most_one(props, "l3_agent_id", "l3_agent_ids")
        if known(props.distributed):
            agents = ("l3_agent_id", "l3_agent_ids")
            for name in (*agents, *(("ha",) if known(props.ha) else ())):
                objects.at_most_one(props, "distributed", name)
        agents_given = known(props.l3_agent_ids) or []
        if len(agents_given) > 1 and not props.ha:
            raise PropertyError(
                "Non HA routers can only have one L3 agent.",
                path="properties.l3_agent_ids",
                remedy="Set ha to true, or name one agent.",
            )

    def implicit_requires(self, props: RouterProps, siblings: Siblings) -> Iterable[str]:
        """The subnets of the external network, where the router gets an address."""
        gateway = props.external_gateway_info
        network = gateway.network if isinstance(gateway, GatewayProps) else None
        return objects.subnets_of(network, siblings)

    async def create(self, ctx: Context, props: RouterProps) -> None:
        """Make the router."""
        body = objects.creation(ctx, props, _FIELDS)
        if props.external_gateway_info is not None:
            body["external_gateway_info"] = await gateway_body(ctx, props.external_gateway_info)
        reply = await ctx.cloud.network.post("/routers", {"router": body})
        await ctx.created(reply["router"]["id"], reply["router"])

    async def configure(self, ctx: Context, props: RouterProps) -> None:
        """Choose agents and set tags."""
        if agents := _agents(props):
            await assign(ctx, L3, agents)
        if props.tags:
            await objects.put_tags(ctx, _ROUTER, props.tags)

    def ready(self, live: JSON) -> bool:
        """Whether the router is built."""
        return objects.built(live)

    def broken(self, live: JSON) -> bool:
        """Only what is in error has to be replaced."""
        return objects.in_error(live)

    async def update(self, ctx: Context, old: RouterProps, new: RouterProps) -> None:
        """Send what differs."""
        changed = new.changed(old)
        body = objects.change(ctx, old, new, _FIELDS)
        if "external_gateway_info" in changed:
            body["external_gateway_info"] = await gateway_body(ctx, new.external_gateway_info)
        await objects.put(ctx, _ROUTER, body)
        agents = _agents(new)
        if agents is not None and agents != _agents(old):
            await assign(ctx, L3, agents)
        if "tags" in changed:
            await objects.put_tags(ctx, _ROUTER, new.tags)


def _agents(props: RouterProps) -> list[str] | None:
    """The agents that the user chose; None leaves the choice to the service."""
    if is_set(props.l3_agent_id):
        return [props.l3_agent_id, *(props.l3_agent_ids or ())]
    return props.l3_agent_ids
