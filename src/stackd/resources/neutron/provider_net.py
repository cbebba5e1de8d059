"""OS::Neutron::ProviderNet, a network of which an administrator says how it is realised."""

from __future__ import annotations

from typing import Any, ClassVar

from stackd.resources.attributes import attr
from stackd.resources.constraints import custom
from stackd.resources.context import Context
from stackd.resources.neutron.network import BUILT, naming_ports, network, owner, segments_of, tags
from stackd.resources.neutron.provider import NETWORK_TYPES, check_unfit, segmentation
from stackd.resources.registry import resource_type
from stackd.resources.rest import KEEP, Field, RestResource, same
from stackd.resources.schema import IN_PLACE, Properties, prop


class ProviderNetProps(Properties):
    """Properties of a provider network."""

    name: str | None = prop("Name of the network.", update=IN_PLACE)
    network_type: str = prop(
        "How the network is realised.", required=True, update=IN_PLACE, constraints=[NETWORK_TYPES]
    )
    physical_network: str | None = prop("Physical network below it.", update=IN_PLACE)
    segmentation_id: str | None = prop(
        "Number of the network below it: a VLAN, or the key of a tunnel.", update=IN_PLACE
    )
    router_external: bool = prop(
        "Whether routers can have it as their way to the outside.",
        default=False,
        update=IN_PLACE,
        since="6.0.0",
    )
    admin_state_up: bool = prop("Whether the network carries traffic.", default=True, update=IN_PLACE)
    shared: bool = prop("Whether all projects may use the network.", default=True, update=IN_PLACE)
    port_security_enabled: bool | None = prop(
        "Whether new ports of the network are guarded by security groups.", update=IN_PLACE, since="8.0.0"
    )
    dns_domain: str | None = prop(
        "DNS domain of the network's ports.",
        update=IN_PLACE,
        constraints=[custom("dns_domain")],
        since="15.0.0",
    )
    availability_zone_hints: list[Any] | None = prop(
        "Availability zones in which the network should be served.", update=IN_PLACE, since="19.0.0"
    )
    tags: list[str] | None = tags("network", since="12.0.0")
    tenant_id: str | None = owner("network", since="24.0.0")


@resource_type("OS::Neutron::ProviderNet", since="2014.1")
class ProviderNet(RestResource[ProviderNetProps]):
    """A network on a physical one; usually for administrators, and shared with all."""

    extension = "provider"
    entity = network("network", tags=True)
    readiness = BUILT
    survives = True
    fields: ClassVar = same("name", "admin_state_up", "shared", "tenant_id") | {
        "network_type": "provider:network_type",
        "physical_network": Field("provider:physical_network", cleared=None),
        "segmentation_id": Field("provider:segmentation_id", cleared=None, convert=segmentation),
        "router_external": "router:external",
        "port_security_enabled": Field("port_security_enabled", cleared=KEEP),
        "dns_domain": Field("dns_domain", cleared=""),
        "availability_zone_hints": Field("availability_zone_hints", cleared=KEEP),
    }
    attributes: ClassVar = {
        "status": attr("State of the network."),
        "subnets": attr("Ids of the network's subnets.", "list"),
        "segments": attr("Segments of the network.", "list", read=segments_of, since="16.0.0"),
    }

    def validate(self, props: ProviderNetProps) -> None:
        """Each type of network has facts of its own."""
        super().validate(props)
        check_unfit(props)

    async def delete(self, ctx: Context, props: ProviderNetProps) -> None:
        """Ports that keep it from going are named."""
        async with naming_ports(ctx, network_id=str(ctx.physical_id)):
            await super().delete(ctx, props)
