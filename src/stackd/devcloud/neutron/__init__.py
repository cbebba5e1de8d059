"""Neutron: networks, ports, routers, floating IPs, security groups, and its extensions."""

from __future__ import annotations

from stackd.devcloud.neutron import (
    extras,
    forwardings,
    metering,
    networks,
    plugged,
    ports,
    qos,
    routers,
    security,
    segments,
    subnet_pools,
    trunks,
)
from stackd.devcloud.neutron.addresses import Addresses, parse_network, pool_numbers
from stackd.devcloud.neutron.style import fault
from stackd.devcloud.service import Service
from stackd.devcloud.store import JSON
from stackd.devcloud.wire import Call, Reply
from stackd.devcloud.world import World, stamp_seconds

PUBLIC_CIDR = "172.24.4.0/22"


def _versions(call: Call) -> Reply:
    root = call.base.removesuffix("/v2.0")
    links = [{"rel": "self", "href": f"{root}/v2.0/"}]
    return Reply(200, {"versions": [{"id": "v2.0", "status": "CURRENT", "links": links}]})


def _start(world: World) -> None:
    """Creates the external network, and a default security group for every project."""
    for project in list(world.store.all("identity.projects")):
        security.default_group(world, project.id)
    world.on_new_project.append(lambda project_id: _new_project(world, project_id))
    admin = world.store.first("identity.projects", name="admin")
    owner = admin.id if admin else ""
    now = stamp_seconds(world.clock())
    common: JSON = {
        "project_id": owner, "tenant_id": owner, "description": "", "tags": [], "revision_number": 1,
        "created_at": now, "updated_at": now,
    }  # fmt: skip
    network_id, subnet_id = world.uuid(), world.uuid()
    world.store.add("network.networks", network_id, owner, {
        "id": network_id, "name": "public", "admin_state_up": True, "mtu": 1500, "status": "ACTIVE",
        "subnets": [subnet_id], "shared": False, "availability_zone_hints": [], "availability_zones": [],
        "ipv4_address_scope": None, "ipv6_address_scope": None, "router:external": True, "qinq": False,
        "vlan_transparent": False, "port_security_enabled": True, "qos_policy_id": None, "dns_domain": "",
        "l2_adjacency": True, "is_default": False, "provider:network_type": "flat", "ha": False,
        "provider:physical_network": "public", "provider:segmentation_id": None, **common,
    })  # fmt: skip
    pools = [{"start": "172.24.4.2", "end": "172.24.7.254"}]
    world.store.add("network.subnets", subnet_id, owner, {
        "id": subnet_id, "name": "public-subnet", "network_id": network_id, "ip_version": 4,
        "subnetpool_id": None, "enable_dhcp": False, "ipv6_ra_mode": None, "ipv6_address_mode": None,
        "gateway_ip": "172.24.4.1", "cidr": PUBLIC_CIDR, "allocation_pools": pools, "host_routes": [],
        "dns_nameservers": [], "router:external": True, "service_types": [], "segment_id": None, **common,
    }, {"addresses": Addresses(parse_network(PUBLIC_CIDR), pool_numbers(pools))})  # fmt: skip


def _new_project(world: World, project_id: str) -> None:
    security.default_group(world, project_id)


NEUTRON = Service(
    name="network",
    prefix="network",
    api="/v2.0",
    catalog=(("network", "neutron", ""),),
    fault=fault,
    collections=(
        *networks.COLLECTIONS,
        *ports.COLLECTIONS,
        *security.COLLECTIONS,
        *routers.COLLECTIONS,
        *extras.COLLECTIONS,
        *qos.COLLECTIONS,
        *subnet_pools.COLLECTIONS,
        *segments.COLLECTIONS,
        *trunks.COLLECTIONS,
        *forwardings.COLLECTIONS,
        *metering.COLLECTIONS,
        *plugged.COLLECTIONS,
    ),
    routes=(*routers.ROUTES, *trunks.ROUTES, *segments.ROUTES, *extras.ROUTES, *plugged.ROUTES),
    versions=_versions,
    start=_start,
)
