"""OS::Neutron::L2GatewayConnection, a network that goes on behind a layer-2 gateway."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from stackd.resources.context import JSON, Context
from stackd.resources.neutron.network import network
from stackd.resources.registry import resource_type
from stackd.resources.rest import same
from stackd.resources.schema import Properties, prop
from stackd.resources.undated import UndatedResource


class L2GatewayConnectionProps(Properties):
    """Properties of a connection."""

    l2_gateway_id: str = prop("Id of the gateway.", required=True)
    network_id: str = prop("Name or id of the network.", required=True, find="neutron.network")
    segmentation_id: str | None = prop(
        "Number of the VLAN behind the gateway, unless its interfaces have numbers of their own."
    )


@resource_type("OS::Neutron::L2GatewayConnection", since="12.0.0")
class L2GatewayConnection(UndatedResource[L2GatewayConnectionProps]):
    """Connects a network to a gateway. It has no name: the two, and the number, identify it."""

    extension = "l2-gateway-connection"
    entity = network("l2_gateway_connection", name_field="")
    survives = True
    fields: ClassVar = same("l2_gateway_id", "network_id", "segmentation_id")

    async def alike(self, ctx: Context, props: L2GatewayConnectionProps) -> Sequence[JSON]:
        """The connection of the two with this number."""
        pair = props.body("l2_gateway_id", "network_id")
        wanted = pair | {"segmentation_id": props.segmentation_id or None}
        listed = await ctx.cloud.network.list_all(self.entity.path, self.entity.plural, pair)
        return [each for each in listed if all(str(each.get(key)) == str(wanted[key]) for key in wanted)]
