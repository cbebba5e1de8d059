"""The properties of OS::Neutron::Subnet."""

from __future__ import annotations

from typing import Any

from stackd.resources.constraints import between, custom, one_of
from stackd.resources.neutron.network import former, owner, tags, value_specs
from stackd.resources.schema import IN_PLACE, Properties, Support, prop

_MODES = ("dhcpv6-stateful", "dhcpv6-stateless", "slaac")


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
    tenant_id: str | None = owner("subnet")
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
