"""Load balancers, whose addresses are ports of Neutron, and their listeners."""

from __future__ import annotations

from typing import Final

from stackd.devcloud.barbican.containers import CONTAINERS
from stackd.devcloud.barbican.secrets import SECRETS
from stackd.devcloud.collection import Field, check_quota, create, fetch
from stackd.devcloud.neutron.ports import PORTS, release_port
from stackd.devcloud.neutron.style import STYLE as NEUTRON
from stackd.devcloud.octavia.kinds import (
    FLAVORS_KIND,
    LISTENERS_KIND,
    PARTS,
    POLICIES_KIND,
    POOLS_KIND,
    RULES_KIND,
    ZONES_KIND,
)
from stackd.devcloud.octavia.states import (
    STATUS,
    balanced,
    balancers,
    demand_mutable,
    ids,
    shown,
    with_defaults,
    work,
)
from stackd.devcloud.octavia.style import PROVIDER, STYLE, invalid
from stackd.devcloud.store import JSON, Entity
from stackd.devcloud.wire import Call, Fault, bad_request, conflict
from stackd.devcloud.world import World

_TERMINATED: Final = "TERMINATED_HTTPS"


def _prepare_balancer(call: Call, values: JSON, private: JSON) -> None:
    subnet = call.store.get("network.subnets", str(values["vip_subnet_id"]))
    if values["vip_subnet_id"] is None:
        raise invalid("VIP must contain one of: vip_port_id, vip_network_id, vip_subnet_id.")
    if subnet is None:
        raise bad_request(f"Subnet {values['vip_subnet_id']} not found.")
    if values["provider"] not in (None, PROVIDER):
        raise bad_request(f"Provider '{values['provider']}' is not enabled.")
    _check_offers(call, values)
    check_quota(BALANCERS, STYLE, call, values["project_id"])
    wanted = {"subnet_id": subnet.id}
    if values["vip_address"]:
        wanted["ip_address"] = values["vip_address"]
    network = subnet.data["network_id"]
    port = create(PORTS, NEUTRON, call, {"network_id": network, "fixed_ips": [wanted]})
    values |= {
        "vip_address": port.data["fixed_ips"][0]["ip_address"], "vip_port_id": port.id,
        "vip_network_id": network, "provider": PROVIDER,
    }  # fmt: skip


def _check_offers(call: Call, values: JSON) -> None:
    for field, kind, label in (
        ("flavor_id", FLAVORS_KIND, "flavor"),
        ("availability_zone", ZONES_KIND, "availability zone"),
    ):
        if values[field] is None:
            continue
        offer = call.store.get(kind, values[field])
        if offer is None or not offer.data["enabled"]:
            raise invalid(f"Invalid {field}: the {label} {values[field]} does not exist or is disabled.")


def _balancer_created(call: Call, entity: Entity) -> None:
    port = call.store.get("network.ports", entity.data["vip_port_id"])
    if port is not None:
        owner = {"device_id": f"lb-{entity.id}", "device_owner": "Octavia", "status": "DOWN"}
        call.store.update(port, {"name": f"octavia-lb-{entity.id}", **owner})
    call.store.update(entity, {"loadbalancer_id": entity.id})
    work(call, entity, "PENDING_CREATE")


def _wrong_state(entity: Entity) -> Fault:
    return conflict(f"Invalid state {entity.data[STATUS]} of loadbalancer resource {entity.id}")


def _change_balancer(call: Call, entity: Entity, changes: JSON) -> None:
    if entity.data[STATUS] != "ACTIVE":
        raise _wrong_state(entity)
    with_defaults(BALANCERS, changes)


def _guard_balancer(call: Call, entity: Entity) -> None:
    parts = [call.store.first(kind, loadbalancer_id=entity.id) for kind in (LISTENERS_KIND, POOLS_KIND)]
    if any(parts) and call.first("cascade").lower() != "true":
        raise invalid(f"Cannot delete Load Balancer {entity.id} - it has children")
    if entity.data[STATUS] not in ("ACTIVE", "ERROR"):
        raise _wrong_state(entity)


def _release_balancer(world: World, entity: Entity) -> None:
    for kind in PARTS:
        for part in list(world.store.find(kind, loadbalancer_id=entity.id)):
            world.store.remove(part)
    if (port := world.store.get("network.ports", entity.data["vip_port_id"])) is not None:
        world.store.remove(port)
        release_port(world, port)


def _view_balancer(call: Call, entity: Entity) -> JSON:
    listeners, pools = (
        call.store.find(kind, loadbalancer_id=entity.id) for kind in (LISTENERS_KIND, POOLS_KIND)
    )
    return shown(call, entity, listeners=ids(listeners), pools=ids(pools))


BALANCERS = balanced(
    "loadbalancers", "loadbalancer", "Load Balancer",
    {
        "name": Field(""), "description": Field(""), "vip_subnet_id": Field(put=False),
        "vip_network_id": Field(put=False), "vip_port_id": Field(put=False), "vip_address": Field(put=False),
        "vip_qos_policy_id": Field(), "provider": Field(put=False), "flavor_id": Field(put=False),
        "availability_zone": Field(put=False),
    },
    quota="loadbalancers", prepare=_prepare_balancer, created=_balancer_created,
    change=_change_balancer, changed=lambda call, entity: work(call, entity, "PENDING_UPDATE"),
    guard=_guard_balancer, release=_release_balancer, view=_view_balancer,
)  # fmt: skip


def _prepare_listener(call: Call, values: JSON, private: JSON) -> None:
    if not values["loadbalancer_id"]:
        raise invalid("Must provide a loadbalancer_id")
    balancer = fetch(BALANCERS, STYLE, call, values["loadbalancer_id"])
    _check_listener(call, balancer.id, values)
    demand_mutable(call, balancer.id)
    same = {name: values[name] for name in ("loadbalancer_id", "protocol", "protocol_port")}
    if call.store.first(LISTENERS_KIND, **same) is not None:
        raise conflict(
            "Another Listener on this Load Balancer is already using protocol "
            f"{values['protocol']} and protocol_port {values['protocol_port']}"
        )


def _check_listener(call: Call, balancer_id: str, values: JSON) -> None:
    certificates = [values["default_tls_container_ref"], *(values["sni_container_refs"] or ())]
    _check_certificates(call, values["protocol"], [each for each in certificates if each])
    if (pool_id := values["default_pool_id"]) is not None:
        pool = call.store.get(POOLS_KIND, pool_id)
        if pool is None or pool.data["loadbalancer_id"] != balancer_id:
            raise STYLE.missing("Pool", pool_id)


def _check_certificates(call: Call, protocol: str, refs: list[str]) -> None:
    """What terminates TLS has certificates, which the key manager knows."""
    if protocol == _TERMINATED and not refs:
        raise invalid(
            "An SNI or default certificate container reference must be provided for "
            f"{_TERMINATED} protocol listeners."
        )
    if missing := [each for each in refs if not _is_kept(call, each)]:
        raise bad_request(f"Could not retrieve certificate: {missing}")


def _is_kept(call: Call, ref: str) -> bool:
    identity = ref.rpartition("/")[2]
    return any(call.store.get(collection.kind, identity) for collection in (CONTAINERS, SECRETS))


def _change_listener(call: Call, entity: Entity, changes: JSON) -> None:
    with_defaults(LISTENERS, changes)
    _check_listener(call, entity.data["loadbalancer_id"], entity.data | changes)
    demand_mutable(call, entity.data["loadbalancer_id"])


def _release_listener(world: World, entity: Entity) -> None:
    for policy in list(world.store.find(POLICIES_KIND, listener_id=entity.id)):
        world.store.remove(policy)
        for rule in list(world.store.find(RULES_KIND, l7policy_id=policy.id)):
            world.store.remove(rule)


def _view_listener(call: Call, entity: Entity) -> JSON:
    policies = call.store.find(POLICIES_KIND, listener_id=entity.id)
    return shown(call, entity, loadbalancers=balancers(entity), l7policies=ids(policies))


LISTENERS = balanced(
    "listeners", "listener", "Listener",
    {
        "name": Field(""), "description": Field(""),
        "protocol": Field(required=True, put=False), "protocol_port": Field(required=True, put=False),
        "connection_limit": Field(-1), "default_pool_id": Field(), "default_tls_container_ref": Field(),
        "sni_container_refs": Field([]), "allowed_cidrs": Field(), "insert_headers": Field({}),
    },
    quota="listeners", prepare=_prepare_listener,
    change=_change_listener, release=_release_listener, view=_view_listener,
)  # fmt: skip
