"""OS::Neutron::Router, which connects networks with each other and with the outside."""

from __future__ import annotations

from typing import ClassVar

from stackd.errors import PropertyError
from stackd.resources.attributes import attr
from stackd.resources.context import JSON, Context
from stackd.resources.follows import Follows, one
from stackd.resources.neutron.agents import L3, assign
from stackd.resources.neutron.gateway import gateway_body
from stackd.resources.neutron.network import BUILT, names, network
from stackd.resources.neutron.router_props import RouterProps
from stackd.resources.neutron.siblings import SUBNET, network_key, outside_key
from stackd.resources.registry import resource_type
from stackd.resources.rest import KEEP, Field, RestResource, same
from stackd.resources.rules import at_most_one, is_set, known


@resource_type("OS::Neutron::Router")
class Router(RestResource[RouterProps]):
    """Forwards packets between networks and translates addresses to the outside."""

    extension = "router"
    entity = network("router", tags=True)
    lookups: ClassVar = {"neutron.router": names("Router", "/routers")}
    readiness = BUILT
    survives = True
    fields: ClassVar = same("name", "admin_state_up", "distributed", "ha", "tenant_id") | {
        "availability_zone_hints": Field("availability_zone_hints", cleared=KEEP)
    }
    follows = (Follows(SUBNET, key=network_key, keys=one(outside_key)),)
    attributes: ClassVar = {
        "status": attr("State of the router."),
        "external_gateway_info": attr("The router's way to the outside.", "map"),
        "name": attr("Name of the router."),
        "admin_state_up": attr("Whether the router forwards."),
        "tenant_id": attr("Project that owns the router."),
    }

    def validate(self, props: RouterProps) -> None:
        """A distributed router is neither highly available nor bound to agents."""
        super().validate(props)
        at_most_one(props, "l3_agent_id", "l3_agent_ids")
        if known(props.distributed):
            agents = ("l3_agent_id", "l3_agent_ids")
            for name in (*agents, *(("ha",) if known(props.ha) else ())):
                at_most_one(props, "distributed", name)
        agents_given = known(props.l3_agent_ids) or []
        if len(agents_given) > 1 and not props.ha:
            raise PropertyError(
                "Non HA routers can only have one L3 agent.",
                path="properties.l3_agent_ids",
                remedy="Set ha to true, or name one agent.",
            )

    async def creation(self, ctx: Context, props: RouterProps) -> JSON:
        """The external network is resolved here, since it may be created in the same stack."""
        body = self.body(ctx, props)
        if props.external_gateway_info is not None:
            body["external_gateway_info"] = await gateway_body(ctx, props.external_gateway_info)
        return body

    async def change(self, ctx: Context, old: RouterProps, new: RouterProps) -> JSON:
        """A way to the outside that is taken away is an empty map."""
        body = await super().change(ctx, old, new)
        if "external_gateway_info" in new.changed(old):
            body["external_gateway_info"] = await gateway_body(ctx, new.external_gateway_info)
        return body

    async def configure(self, ctx: Context, props: RouterProps) -> None:
        """Agents are chosen, too."""
        if agents := _agents(props):
            await assign(ctx, L3, agents)
        await super().configure(ctx, props)

    async def update(self, ctx: Context, old: RouterProps, new: RouterProps) -> None:
        """Without a list of agents, those that serve the router stay."""
        await super().update(ctx, old, new)
        agents = _agents(new)
        if agents is not None and agents != _agents(old):
            await assign(ctx, L3, agents)


def _agents(props: RouterProps) -> list[str] | None:
    """The agents that the user chose; None leaves the choice to the service."""
    if is_set(props.l3_agent_id):
        return [props.l3_agent_id, *(props.l3_agent_ids or ())]
    return props.l3_agent_ids
