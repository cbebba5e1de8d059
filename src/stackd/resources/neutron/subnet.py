"""OS::Neutron::Subnet, a range of addresses on a network."""

from __future__ import annotations

import ipaddress
from typing import ClassVar

from stackd.errors import PropertyError
from stackd.resources.attributes import attr
from stackd.resources.context import JSON, Context
from stackd.resources.neutron.network import names, naming_ports, network
from stackd.resources.neutron.subnet_props import SubnetProps
from stackd.resources.registry import resource_type
from stackd.resources.rest import Field, RestResource, same
from stackd.resources.rules import at_least_one, at_most_one, known

_NO_GATEWAY, _AUTOMATIC = (None, "", "~"), "auto"


@resource_type("OS::Neutron::Subnet")
class Subnet(RestResource[SubnetProps]):
    """A range of addresses for the ports of a network."""

    entity = network("subnet", tags=True)
    lookups: ClassVar = {"neutron.subnet": names("Subnet", "/subnets")}
    survives = True
    fields: ClassVar = {
        **same("name", "cidr", "prefixlen", "ip_version", "enable_dhcp", "tenant_id"),
        **same("ipv6_ra_mode", "ipv6_address_mode"),
        "network": "network_id",
        "subnetpool": "subnetpool_id",
        "segment": Field("segment_id", cleared=None),
        "dns_nameservers": Field("dns_nameservers", cleared=[]),
        "allocation_pools": Field("allocation_pools", cleared=[]),
        "host_routes": Field("host_routes", cleared=[]),
    }
    attributes: ClassVar = {
        "name": attr("Name of the subnet."),
        "network_id": attr("Id of the subnet's network."),
        "tenant_id": attr("Project that owns the subnet."),
        "allocation_pools": attr("Ranges from which ports get addresses.", "list"),
        "gateway_ip": attr("Address of the gateway."),
        "host_routes": attr("Routes that guests learn.", "list"),
        "ip_version": attr("Version of the Internet Protocol."),
        "cidr": attr("Range of the subnet."),
        "dns_nameservers": attr("Addresses of name servers.", "list"),
        "enable_dhcp": attr("Whether guests get addresses by DHCP."),
    }

    def validate(self, props: SubnetProps) -> None:
        """A range of its own or from a pool, and modes that fit the version."""
        super().validate(props)
        at_least_one(props, "subnetpool", "cidr")
        at_most_one(props, "subnetpool", "cidr")
        at_most_one(props, "prefixlen", "cidr")
        _check_modes(props)
        _check_gateway(known(props.gateway_ip))

    def body(self, ctx: Context, props: SubnetProps) -> JSON:
        """A gateway that is left out is an automatic one."""
        return _gateway(_AUTOMATIC if props.gateway_ip is None else props.gateway_ip) | super().body(
            ctx, props
        )

    async def change(self, ctx: Context, old: SubnetProps, new: SubnetProps) -> JSON:
        """A gateway that is taken away goes."""
        body = await super().change(ctx, old, new)
        return body | _gateway(new.gateway_ip) if new.gateway_ip != old.gateway_ip else body

    async def delete(self, ctx: Context, props: SubnetProps) -> None:
        """Ports that keep it from going are named."""
        async with naming_ports(ctx, fixed_ips=f"subnet_id={ctx.physical_id}"):
            await super().delete(ctx, props)


def _gateway(address: str | None) -> JSON:
    """The gateway in the API's words: null for none, nothing for an automatic one."""
    return {} if address == _AUTOMATIC else {"gateway_ip": None if address in _NO_GATEWAY else address}


def _check_modes(props: SubnetProps) -> None:
    announced, given = props.ipv6_ra_mode, props.ipv6_address_mode
    if known(props.ip_version) == 4 and (announced or given):
        raise PropertyError(
            "ipv6_ra_mode and ipv6_address_mode are not supported for ipv4.",
            path="properties",
            remedy="Leave them out, or set ip_version to 6.",
        )
    if known(announced) and known(given) and announced != given:
        raise PropertyError(
            "When both ipv6_ra_mode and ipv6_address_mode are set, they must be equal.",
            path="properties.ipv6_ra_mode",
            remedy=f"Set both to {given}.",
        )


def _check_gateway(gateway: str | None) -> None:
    if gateway in (*_NO_GATEWAY, _AUTOMATIC):
        return
    try:
        ipaddress.ip_address(gateway)
    except ValueError:
        raise PropertyError(
            f'Gateway IP address "{gateway}" is in invalid format.',
            path="properties.gateway_ip",
            remedy='Give an IP address, "auto", or nothing for no gateway.',
        ) from None
