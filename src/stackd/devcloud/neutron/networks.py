"""Networks and subnets."""

from __future__ import annotations

from ipaddress import ip_address

from stackd.devcloud.collection import Collection, Field, own
from stackd.devcloud.listing import same
from stackd.devcloud.neutron.addresses import (
    Addresses,
    Network,
    default_gateway,
    default_pools,
    parse_network,
    pool_numbers,
)
from stackd.devcloud.neutron.qos import check_qos_policy
from stackd.devcloud.neutron.segments import remove_segments
from stackd.devcloud.neutron.style import STYLE, invalid, missing, own_or_shared
from stackd.devcloud.store import JSON, Entity
from stackd.devcloud.wire import Call, bad_request, conflict
from stackd.devcloud.world import World

PROVIDER = ("provider:network_type", "provider:physical_network", "provider:segmentation_id")
AUTOMATIC_OWNERS = ("network:dhcp", "network:floatingip", "network:router_centralized_snat")


def addresses_of(subnet: Entity) -> Addresses:
    """The addresses of a subnet."""
    book: Addresses = subnet.private["addresses"]
    return book


def _prepare_network(call: Call, values: JSON, private: JSON) -> None:
    check_qos_policy(call, values)
    segments = values.pop("segments", None)
    if segments:
        values |= {key: segments[0].get(key) for key in PROVIDER}
    kind = values["provider:network_type"] = values.get("provider:network_type") or "vxlan"
    if values.get("provider:segmentation_id") is None and kind in ("vxlan", "vlan", "gre", "geneve"):
        values["provider:segmentation_id"] = call.world.random.randrange(1, 4094 if kind == "vlan" else 16000)
    values["mtu"] = values.get("mtu") or (1450 if kind in ("vxlan", "gre", "geneve") else 1500)
    for key, fixed in _NETWORK_FACTS.items():
        values[key] = list(fixed) if isinstance(fixed, list) else fixed


_NETWORK_FACTS: JSON = {
    "status": "ACTIVE", "subnets": [], "availability_zones": [], "ipv4_address_scope": None,
    "ipv6_address_scope": None, "l2_adjacency": True, "tags": [],
}  # fmt: skip


def _view_network(call: Call, entity: Entity) -> JSON:
    if call.actor.is_admin:
        return entity.data
    return {key: value for key, value in entity.data.items() if key not in PROVIDER}


def _change_network(call: Call, entity: Entity, changes: JSON) -> None:
    check_qos_policy(call, changes)
    if changes.get("router:external") is False and entity.data["router:external"]:
        for router in call.store.all("network.routers"):
            if (router.data["external_gateway_info"] or {}).get("network_id") == entity.id:
                raise conflict(
                    f"External network {entity.id} cannot be updated to be made non-external, since it has "
                    "existing gateway ports.",
                    "ExternalNetworkInUse",
                )


def _guard_network(call: Call, entity: Entity) -> None:
    ports = [
        port.id for port in call.store.find("network.ports", network_id=entity.id)
        if port.data["device_owner"] not in AUTOMATIC_OWNERS
    ]  # fmt: skip
    if ports:
        raise conflict(
            f"Unable to complete operation on network {entity.id}. There are one or more ports still in "
            f"use on "
            f"the network, id for these ports is: {','.join(ports)}.",
            "NetworkInUse",
        )


def _release_network(world: World, entity: Entity) -> None:
    for kind in ("network.ports", "network.subnets"):
        for inner in list(world.store.find(kind, network_id=entity.id)):
            world.store.remove(inner)
    remove_segments(world, entity)


def _prepare_subnet(call: Call, values: JSON, private: JSON) -> None:
    network = call.store.get("network.networks", str(values["network_id"]))
    if network is None or not own_or_shared(call, network):
        raise missing("Network", str(values["network_id"]))
    values["project_id"] = values["tenant_id"] = values.get("project_id") or network.project_id
    cidr = _cidr(call, values)
    values.pop("prefixlen", None)
    if cidr.version != int(values["ip_version"]):
        raise invalid(f"Requested subnet with cidr '{cidr}' does not match the ip_version")
    _refuse_overlap(call, network.id, cidr)
    values["cidr"] = str(cidr)
    values["ip_version"] = int(values["ip_version"])
    if values["gateway_ip"] == "":
        values["gateway_ip"] = default_gateway(cidr)
    pools = values["allocation_pools"] or default_pools(cidr, values["gateway_ip"])
    _check_pools(cidr, pools, values["gateway_ip"])
    values["allocation_pools"] = pools
    values["router:external"] = network.data["router:external"]
    values["tags"] = []
    private["addresses"] = Addresses(cidr, pool_numbers(pools))


def _check_pools(cidr: Network, pools: list[JSON], gateway: str | None) -> None:
    for pool in pools:
        try:
            start, end = ip_address(pool["start"]), ip_address(pool["end"])
        except (ValueError, KeyError) as error:
            raise bad_request(f"Invalid input for allocation_pools. Reason: {error}.") from error
        if start not in cidr or end not in cidr:
            raise bad_request(
                f"The allocation pool {start}-{end} spans beyond the subnet cidr {cidr}.",
                "OutOfBoundsAllocationPool",
            )
        if int(start) > int(end):
            raise bad_request(f"The allocation pool {start}-{end} is not valid.", "InvalidAllocationPool")
        if gateway and int(start) <= int(ip_address(gateway)) <= int(end):
            raise conflict(
                f"Gateway ip {gateway} conflicts with allocation pool {start}-{end}.",
                "GatewayConflictWithAllocationPools",
            )


def _cidr(call: Call, values: JSON) -> Network:
    if values["cidr"]:
        try:
            return parse_network(str(values["cidr"]))
        except ValueError as error:
            raise bad_request(
                f"Invalid input for cidr. Reason: '{values['cidr']}' is not a valid IP subnet.",
                "HTTPBadRequest",
            ) from error
    pool = call.store.get("network.subnetpools", str(values["subnetpool_id"]))
    if pool is None:
        raise bad_request(
            "Bad subnets request: a subnetpool must be specified in the absence of a cidr.", "BadRequest"
        )
    return _from_pool(call, pool, int(values.get("prefixlen") or pool.data["default_prefixlen"]))


def _from_pool(call: Call, pool: Entity, length: int) -> Network:
    taken = [
        parse_network(row.data["cidr"]) for row in call.store.find("network.subnets", subnetpool_id=pool.id)
    ]
    for prefix in pool.data["prefixes"]:
        for candidate in parse_network(prefix).subnets(new_prefix=length):
            if not any(candidate.overlaps(other) for other in taken if other.version == candidate.version):
                return candidate
    raise conflict(
        "Failed to allocate subnet: Insufficient prefix space to allocate subnet size "
        f"/{length}.", "SubnetAllocationError",
    )  # fmt: skip


def _refuse_overlap(call: Call, network_id: str, cidr: Network) -> None:
    for other in call.store.find("network.subnets", network_id=network_id):
        taken = addresses_of(other).network
        if taken.version == cidr.version and taken.overlaps(cidr):
            raise invalid(
                f"Requested subnet with cidr: {cidr} for network: {network_id} overlaps with another subnet"
            )


def _subnet_created(call: Call, entity: Entity) -> None:
    network = call.store.get("network.networks", entity.data["network_id"])
    if network is not None:
        network.data["subnets"] = [*network.data["subnets"], entity.id]


def _change_subnet(call: Call, entity: Entity, changes: JSON) -> None:
    if "allocation_pools" in changes:
        book = addresses_of(entity)
        gateway = changes.get("gateway_ip", entity.data["gateway_ip"])
        _check_pools(book.network, changes["allocation_pools"], gateway)
        book.pools = pool_numbers(changes["allocation_pools"])


def _guard_subnet(call: Call, entity: Entity) -> None:
    for port in call.store.find("network.ports", network_id=entity.data["network_id"]):
        owner = port.data["device_owner"]
        if owner in AUTOMATIC_OWNERS and owner != "network:floatingip":
            continue
        if any(fixed["subnet_id"] == entity.id for fixed in port.data["fixed_ips"]):
            raise conflict(
                f"Unable to complete operation on subnet {entity.id}: One or more ports have an IP "
                f"allocation "
                "from this subnet.",
                "SubnetInUse",
            )


def _release_subnet(world: World, entity: Entity) -> None:
    network = world.store.get("network.networks", entity.data["network_id"])
    if network is not None:
        network.data["subnets"] = [item for item in network.data["subnets"] if item != entity.id]


def _sees_subnet(call: Call, entity: Entity) -> bool:
    if own(call, entity):
        return True
    network = call.store.get("network.networks", entity.data["network_id"])
    return network is not None and bool(network.data["shared"])


def _external(call: Call, entity: Entity, values: list[str]) -> bool:
    return same(entity.data["router:external"], values)


NETWORKS = Collection(
    kind="network.networks", path="/networks", singular="network", plural="networks", label="Network",
    fields={
        "name": Field(""), "admin_state_up": Field(True), "mtu": Field(0), "shared": Field(False, admin=True),
        "port_security_enabled": Field(True), "qos_policy_id": Field(), "dns_domain": Field(""),
        "router:external": Field(False, admin=True), "vlan_transparent": Field(False),
        "provider:network_type": Field(admin=True), "provider:physical_network": Field(admin=True),
        "provider:segmentation_id": Field(admin=True), "segments": Field(admin=True, put=False),
        "qinq": Field(False), "is_default": Field(False, admin=True), "availability_zone_hints": Field([],
        put=False),
        "description": Field(""), "ha": Field(False),
    },
    indexes=("name",), quota="networks", bulk=True, sees=own_or_shared, prepare=_prepare_network,
    change=_change_network,
    guard=_guard_network, release=_release_network, view=_view_network,
    filters={"router:external": _external},
)  # fmt: skip
SUBNETS = Collection(
    kind="network.subnets", path="/subnets", singular="subnet", plural="subnets", label="Subnet",
    fields={
        "name": Field(""), "ip_version": Field(required=True, put=False),
        "network_id": Field(required=True, put=False),
        "cidr": Field("", put=False), "subnetpool_id": Field(put=False), "prefixlen": Field(put=False),
        "enable_dhcp": Field(True), "ipv6_ra_mode": Field(put=False), "ipv6_address_mode": Field(put=False),
        "gateway_ip": Field(""), "allocation_pools": Field([]), "host_routes": Field([]),
        "dns_nameservers": Field([]), "description": Field(""), "service_types": Field([]),
        "segment_id": Field(),
        "dns_publish_fixed_ip": Field(False),
    },
    indexes=("network_id",), quota="subnets", bulk=True, sees=_sees_subnet, prepare=_prepare_subnet,
    created=_subnet_created, change=_change_subnet, guard=_guard_subnet, release=_release_subnet,
)  # fmt: skip

COLLECTIONS = ((NETWORKS, STYLE), (SUBNETS, STYLE))
