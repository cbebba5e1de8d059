"""OS::Neutron::Subnet, a range of addresses on a network."""

from __future__ import annotations

import ipaddress
from typing import Any, ClassVar

from stackd.errors import PropertyError
from stackd.resources.attributes import attr
from stackd.resources.constraints import between, custom, one_of
from stackd.resources.context import JSON, Context
from stackd.resources.neutron.network import former, network, tags, value_specs
from stackd.resources.registry import resource_type
from stackd.resources.rest import Field, RestResource, same
from stackd.resources.rules import at_least_one, at_most_one, known
from stackd.resources.schema import IN_PLACE, Properties, Support, prop

_MODES = ("dhcpv6-stateful", "dhcpv6-stateless", "slaac")
_NO_GATEWAY, _AUTOMATIC = (None, "", "~"), "auto"


class PoolProps(Properties):
    """Addresses that may be given to ports."""

    start: str = prop("First address.", required=True, constraints=[custom("ip_addr")])
    end: str = prop("Last address.", required=True, constraints=[custom("ip_addr")])


class RouteProps(Properties):
    """A route that guests learn by DHCP."""

    destination: str = prop("Network behind the route.", required=True, constraints=[custom("net_cidr")])
    nexthop: str = prop("Address of the next hop.", required=True, constraints=[custom("ip_addr")])


class SubnetProps(Properties):
    """Properties of a subnet."""

    network_id: str | None = former("network", "neutron.network")
    network: str = prop(
        "Name or id of the network to which the subnet belongs.",
        required=True,
        find="neutron.network",
        since="2014.2",
    )
    subnetpool: str | None = prop(
        "Name or id of the pool from which the subnet's range is taken.",
        find="neutron.subnetpool",
        since="6.0.0",
    )
    prefixlen: int | None = prop(
        "Length of the prefix of a range that is taken from a pool.",
        constraints=[between(0)],
        since="6.0.0",
    )
    cidr: str | None = prop("Range of the subnet in CIDR notation.", constraints=[custom("net_cidr")])
    value_specs: dict[str, Any] = value_specs()
    name: str | None = prop("Name of the subnet.", update=IN_PLACE)
    ip_version: int = prop("Version of the Internet Protocol.", default=4, constraints=[one_of(4, 6)])
    dns_nameservers: list[Any] = prop("Addresses of name servers.", default=[], update=IN_PLACE)
    gateway_ip: str | None = prop(
        'Address of the gateway: empty for none, "auto" for the first of the range, as when it is left out.',
        update=IN_PLACE,
    )
    enable_dhcp: bool = prop("Whether guests get addresses by DHCP.", default=True, update=IN_PLACE)
    allocation_pools: list[PoolProps] | None = prop(
        "Parts of the range from which ports get addresses.", update=IN_PLACE
    )
    tenant_id: str | None = prop("Project that owns the subnet; only administrators may choose another.")
    host_routes: list[RouteProps] | None = prop("Routes that guests learn.", update=IN_PLACE)
    ipv6_ra_mode: str | None = prop(
        "How routers announce addresses (IPv6).", constraints=[one_of(*_MODES)], since="2015.1"
    )
    ipv6_address_mode: str | None = prop(
        "How guests get addresses (IPv6).", constraints=[one_of(*_MODES)], since="2015.1"
    )
    segment: str | None = prop(
        "Name or id of the segment of the network on which the subnet is; may be given later, not changed.",
        update=IN_PLACE,
        find="neutron.segment",
        support=Support(version="11.0.0", previous=Support(version="9.0.0")),
    )
    tags: list[str] | None = tags("subnet")


@resource_type("OS::Neutron::Subnet")
class Subnet(RestResource[SubnetProps]):
    """A range of addresses for the ports of a network."""

    entity = network("subnet", tags=True)
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
