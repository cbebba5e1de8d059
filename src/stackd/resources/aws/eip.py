"""AWS::EC2::EIP, an address of the external network, for an instance."""

from __future__ import annotations

from typing import Any, ClassVar

from stackd.records import Resource
from stackd.resources.attributes import attr
from stackd.resources.aws.vpc_routers import WAY_OUT
from stackd.resources.constraints import one_of
from stackd.resources.context import JSON, Context
from stackd.resources.neutron.external import external_network
from stackd.resources.neutron.network import network
from stackd.resources.nova.floating_ips import port_of_instance, reach_port
from stackd.resources.registry import resource_type
from stackd.resources.rest import RestResource
from stackd.resources.schema import IN_PLACE, Properties, Support, prop

_ADDRESS = "address"


class EIPProps(Properties):
    """Properties of ``AWS::EC2::EIP``."""

    domain: str | None = prop(
        "All addresses are for VPCs.",
        name="Domain",
        constraints=[one_of("vpc")],
        support=Support("DEPRECATED", "9.0.0"),
    )
    instance: str | None = prop(
        "The instance to be reached by the address.", name="InstanceId", update=IN_PLACE, find="nova.server"
    )


@resource_type("AWS::EC2::EIP")
class EIP(RestResource[EIPProps]):
    """A floating IP of the external network; a reference to it is the address.

    As it has no name in the API, ours is its description.
    """

    service = "compute"
    entity = network("floatingip", name_field="description", found_by=("description",))
    follows = WAY_OUT
    survives = True
    attributes: ClassVar = {
        "AllocationId": attr("Id of the floating IP.", compute=lambda resource: resource.physical_id)
    }

    async def creation(self, ctx: Context, props: EIPProps) -> JSON:
        """The address is one of the external network."""
        return self.body(ctx, props) | {"floating_network_id": await external_network(ctx)}

    async def configure(self, ctx: Context, props: EIPProps) -> None:
        """Keep the address for references, and let it lead to the instance."""
        await ctx.put_data(**{_ADDRESS: (await ctx.live())["floating_ip_address"]})
        if props.instance:
            await reach_port(ctx, ctx.physical_id, await port_of_instance(ctx, props.instance))

    async def update(self, ctx: Context, old: EIPProps, new: EIPProps) -> None:
        """Let it lead to another instance, or nowhere."""
        port = await port_of_instance(ctx, new.instance) if new.instance else None
        await reach_port(ctx, ctx.physical_id, port)

    async def prepare_for_replace(self, ctx: Context, props: EIPProps) -> None:
        """Free the instance: one port has one floating IP."""
        if props.instance:
            await reach_port(ctx, ctx.physical_id, None)

    async def undo_replace(self, ctx: Context, props: EIPProps) -> None:
        """Let it lead to the instance again."""
        if props.instance:
            await reach_port(ctx, ctx.physical_id, await port_of_instance(ctx, props.instance))

    def reference(self, resource: Resource) -> Any:
        """The address, or the name before there is one."""
        return resource.data.get(_ADDRESS) or resource.name
