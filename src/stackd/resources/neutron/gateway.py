"""The external gateway of a router: its schema and its form in requests."""

from __future__ import annotations

from stackd.resources.constraints import custom
from stackd.resources.context import JSON, Context
from stackd.resources.rest import renamed
from stackd.resources.schema import IN_PLACE, Properties, prop


class GatewayAddressProps(Properties):
    """An address of the router on the external network."""

    ip_address: str | None = prop("The address.", constraints=[custom("ip_addr")])
    subnet: str | None = prop("Name or id of the subnet of the address.", find="neutron.subnet")


class GatewayProps(Properties):
    """The external network of a router."""

    network: str = prop("Name or id of the external network.", required=True, update=IN_PLACE)
    enable_snat: bool | None = prop(
        "Whether addresses of the inner networks are translated on the way out.", update=IN_PLACE
    )
    external_fixed_ips: list[GatewayAddressProps] | None = prop(
        "Addresses of the router on the external network.", update=IN_PLACE, since="6.0.0"
    )


async def gateway_body(ctx: Context, gateway: GatewayProps | None) -> JSON:
    """``external_gateway_info`` as the API takes it; an empty map for none."""
    if gateway is None or not gateway.network:
        return {}
    body: JSON = {"network_id": await ctx.find.id_of("neutron.network", gateway.network)}
    if gateway.enable_snat is not None:
        body["enable_snat"] = gateway.enable_snat
    if gateway.external_fixed_ips:
        addresses = gateway.data["external_fixed_ips"]
        body["external_fixed_ips"] = [renamed(each, {"subnet": "subnet_id"}) for each in addresses]
    return body
