"""The extra routes of routers: their next hops must be on networks that the router is connected to."""

from __future__ import annotations

from ipaddress import ip_address, ip_network

from stackd.devcloud.neutron.networks import addresses_of
from stackd.devcloud.neutron.style import invalid
from stackd.devcloud.store import JSON, Entity
from stackd.devcloud.wire import Call, bad_request, conflict


def check_routes(call: Call, router: Entity, routes: list[JSON]) -> None:
    """Refuse routes that cannot be followed."""
    subnets = _connected(call, router)
    for route in routes:
        try:
            ip_network(route["destination"])
            nexthop = ip_address(route["nexthop"])
        except (KeyError, ValueError) as error:
            raise invalid(f"Invalid format for routes: {routes}: {error}") from error
        if not any(nexthop in addresses_of(subnet).network for subnet in subnets):
            raise bad_request(
                f"Invalid format for routes: [{route}], the nexthop is not connected with router",
                "InvalidRoutes",
            )


def refuse_used(call: Call, router: Entity, subnet_id: str) -> None:
    """Refuse to take a router from a subnet on which the next hop of one of its routes is."""
    subnet = call.store.get("network.subnets", subnet_id)
    for route in router.data["routes"]:
        if subnet is not None and ip_address(route["nexthop"]) in addresses_of(subnet).network:
            raise conflict(
                f"Router interface for subnet {subnet_id} on router {router.id} cannot be deleted, as it is "
                "required by one or more routes.",
                "RouterInterfaceInUseByRoute",
            )


def _connected(call: Call, router: Entity) -> list[Entity]:
    """The subnets on which the router has a port, to the inside or the outside."""
    return [
        subnet
        for port in call.store.find("network.ports", device_id=router.id)
        for fixed in port.data["fixed_ips"]
        if (subnet := call.store.get("network.subnets", fixed["subnet_id"])) is not None
    ]
