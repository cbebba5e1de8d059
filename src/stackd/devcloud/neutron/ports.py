"""Ports: their addresses, MACs, security groups and bindings."""

from __future__ import annotations

import re
from ipaddress import ip_address

from stackd.devcloud.collection import Collection, Field, own
from stackd.devcloud.neutron.addresses import PoolExhausted
from stackd.devcloud.neutron.networks import addresses_of
from stackd.devcloud.neutron.qos import check_qos_policy
from stackd.devcloud.neutron.security import default_group
from stackd.devcloud.neutron.style import STYLE, invalid, missing, own_or_shared
from stackd.devcloud.neutron.trunks import guard_trunk_port
from stackd.devcloud.store import JSON, Entity
from stackd.devcloud.wire import Call, bad_request, conflict
from stackd.devcloud.world import World

MAC = re.compile(r"[0-9a-f]{2}(:[0-9a-f]{2}){5}", re.IGNORECASE)
KEPT_OWNERS = (
    "network:router_interface",
    "network:router_gateway",
    "network:floatingip",
    "network:ha_router",
)


def _prepare_port(call: Call, values: JSON, private: JSON) -> None:
    network = call.store.get("network.networks", str(values["network_id"]))
    if network is None or not own_or_shared(call, network):
        raise missing("Network", str(values["network_id"]))
    check_qos_policy(call, values)
    values["mac_address"] = _mac(call, network.id, values["mac_address"])
    _default_groups(call, network, values)
    _check_groups(call, values["security_groups"])
    asked = values["fixed_ips"]
    values["fixed_ips"] = _allocate(call, network.id, asked)
    values |= {
        "status": "DOWN", "qos_network_policy_id": network.data["qos_policy_id"], "resource_request": None,
        "ip_allocation": "immediate" if values["fixed_ips"] else "none", "tags": [],
    }  # fmt: skip
    _bind(values)


def _mac(call: Call, network_id: str, asked: object) -> str:
    if asked is None:
        tail = call.world.random.getrandbits(24)
        return f"fa:16:3e:{tail >> 16:02x}:{tail >> 8 & 255:02x}:{tail & 255:02x}"
    if not MAC.fullmatch(str(asked)):
        raise bad_request(
            f"Invalid input for mac_address. Reason: '{asked}' is not a valid MAC address.", "HTTPBadRequest"
        )
    if call.store.first("network.ports", network_id=network_id, mac_address=asked) is not None:
        raise conflict(
            f"Unable to complete operation for network {network_id}. The mac address {asked} is in use.",
            "MacAddressInUse",
        )
    return str(asked)


def _default_groups(call: Call, network: Entity, values: JSON) -> None:
    secure = values["port_security_enabled"]
    if secure is None:
        values["port_security_enabled"] = secure = network.data["port_security_enabled"]
    if values["security_groups"] is None:
        internal = str(values["device_owner"]).startswith("network:")
        project_id = values.get("project_id") or call.actor.project_id
        with_group = secure and not internal and project_id
        values["security_groups"] = [default_group(call.world, project_id).id] if with_group else []
    elif values["security_groups"] and not secure:
        raise conflict(
            "Port security must be enabled and port must have an IP address in order to use security groups.",
            "PortSecurityAndIPRequiredForSecurityGroups",
        )


def _check_groups(call: Call, groups: list[str]) -> None:
    for group_id in groups:
        group = call.store.get("network.security_groups", str(group_id))
        if group is None or not own_or_shared(call, group):
            raise missing("Security group", str(group_id))


def _allocate(call: Call, network_id: str, asked: object) -> list[JSON]:
    """Addresses for a port; all or none are taken."""
    subnets = list(call.store.find("network.subnets", network_id=network_id))
    taken: list[JSON] = []
    try:
        if asked is None:
            for family in _automatic(subnets):
                taken += [_any_address(network_id, family)]
        else:
            for desired in asked if isinstance(asked, list) else []:
                taken += [_desired_address(call, network_id, subnets, desired)]
    except Exception:
        release_addresses(call.world, taken)
        raise
    return taken


def _automatic(subnets: list[Entity]) -> list[list[Entity]]:
    """For each address that a port gets by default, the subnets from which it may be allocated."""
    usable = [subnet for subnet in subnets if not subnet.data["service_types"]]
    return [
        family for version in (4, 6)
        if (family := [subnet for subnet in usable if subnet.data["ip_version"] == version])
    ]  # fmt: skip


def _any_address(network_id: str, subnets: list[Entity]) -> JSON:
    for subnet in subnets:
        try:
            return {"subnet_id": subnet.id, "ip_address": addresses_of(subnet).take_any()}
        except PoolExhausted:
            continue
    raise conflict(f"No more IP addresses available on network {network_id}.", "IpAddressGenerationFailure")


def _desired_address(call: Call, network_id: str, subnets: list[Entity], desired: JSON) -> JSON:
    subnet_id, text = desired.get("subnet_id"), desired.get("ip_address")
    if subnet_id:
        subnets = [subnet for subnet in subnets if subnet.id == subnet_id]
        if not subnets:
            if call.store.get("network.subnets", subnet_id) is None:
                raise missing("Subnet", subnet_id)
            raise invalid(
                f"Failed to create port on network {network_id}, because fixed_ips included invalid subnet "
                f"{subnet_id}"
            )
    if not text:
        return _any_address(network_id, subnets)
    try:
        ip_address(text)
    except ValueError as error:
        raise bad_request(
            f"Invalid input for fixed_ips. Reason: '{text}' is not a valid IP address.", "HTTPBadRequest"
        ) from error
    for subnet in subnets:
        book = addresses_of(subnet)
        if not book.contains(text):
            continue
        if not book.is_free(text):
            raise conflict(
                f"IP address {text} already allocated in subnet {subnet.id}", "IpAddressAlreadyAllocated"
            )
        book.take(text)
        return {"subnet_id": subnet.id, "ip_address": text}
    if subnet_id:
        raise bad_request(
            f"IP address {text} is not a valid IP for the specified subnet.", "InvalidIpForSubnet"
        )
    raise bad_request(
        f"IP address {text} is not a valid IP for any of the subnets on the specified network.",
        "InvalidIpForNetwork",
    )


def release_addresses(world: World, fixed_ips: list[JSON]) -> None:
    """Release the addresses of a port."""
    for fixed in fixed_ips:
        subnet = world.store.get("network.subnets", fixed["subnet_id"])
        if subnet is not None:
            addresses_of(subnet).give_back(fixed["ip_address"])


def _bind(values: JSON) -> None:
    bound = bool(values.get("binding:host_id"))
    values["binding:vif_type"] = "ovs" if bound else "unbound"
    values["binding:vif_details"] = {"port_filter": True} if bound else {}
    if values["admin_state_up"] and bound and values["device_id"]:
        values["status"] = "ACTIVE"
    else:
        values["status"] = "DOWN"


def _change_port(call: Call, entity: Entity, changes: JSON) -> None:
    check_qos_policy(call, changes)
    if changes.get("security_groups") is not None:
        _check_groups(call, changes["security_groups"])
    if "mac_address" in changes and changes["mac_address"] != entity.data["mac_address"]:
        changes["mac_address"] = _mac(call, entity.data["network_id"], changes["mac_address"])
    if "fixed_ips" in changes:
        old = entity.data["fixed_ips"]
        release_addresses(call.world, old)
        try:
            changes["fixed_ips"] = _allocate(call, entity.data["network_id"], changes["fixed_ips"] or [])
        except Exception:
            for fixed in old:
                subnet = call.store.get("network.subnets", fixed["subnet_id"])
                if subnet is not None:
                    addresses_of(subnet).take(fixed["ip_address"])
            raise


def _port_changed(call: Call, entity: Entity) -> None:
    _bind(entity.data)


def set_device(world: World, port: Entity, device_id: str, owner: str, host: str) -> None:
    """Bind a port to a device, or unbind it with empty strings."""
    world.store.update(port, {"device_id": device_id, "device_owner": owner, "binding:host_id": host})
    _bind(port.data)
    port.data["revision_number"] += 1


def _guard_port(call: Call, entity: Entity) -> None:
    guard_trunk_port(call, entity)
    owner = entity.data["device_owner"]
    if owner in KEPT_OWNERS:
        raise conflict(
            f"Port {entity.id} cannot be deleted directly via the port API: has device owner {owner}.",
            "ServicePortInUse",
        )


def release_port(world: World, entity: Entity) -> None:
    """Clean up after a deleted port: release its addresses, disassociate floating IPs."""
    release_addresses(world, entity.data["fixed_ips"])
    for floating in list(world.store.find("network.floatingips", port_id=entity.id)):
        unset = {"port_id": None, "fixed_ip_address": None, "router_id": None, "status": "DOWN"}
        world.store.update(floating, unset | {"port_details": None})


def _by_fixed_ips(call: Call, entity: Entity, values: list[str]) -> bool:
    wanted: dict[str, list[str]] = {}
    for value in values:
        name, _, text = value.partition("=")
        wanted.setdefault(name, []).append(text)
    return any(
        all(
            fixed[name] in texts if name in fixed else any(text in fixed["ip_address"] for text in texts)
            for name, texts in wanted.items()
        )
        for fixed in entity.data["fixed_ips"]
    )


def _by_groups(call: Call, entity: Entity, values: list[str]) -> bool:
    return not set(values).isdisjoint(entity.data["security_groups"])


def _sees_port(call: Call, entity: Entity) -> bool:
    if own(call, entity):
        return True
    network = call.store.get("network.networks", entity.data["network_id"])
    return network is not None and network.project_id == call.actor.project_id


PORTS = Collection(
    kind="network.ports", path="/ports", singular="port", plural="ports", label="Port",
    fields={
        "name": Field(""), "network_id": Field(required=True, put=False), "mac_address": Field(),
        "admin_state_up": Field(True), "device_id": Field(""), "device_owner": Field(""),
        "fixed_ips": Field(),
        "security_groups": Field(), "port_security_enabled": Field(), "qos_policy_id": Field(),
        "propagate_uplink_status": Field(True), "binding:vnic_type": Field("normal"),
        "binding:profile": Field({}), "binding:host_id": Field(""), "allowed_address_pairs": Field([]),
        "extra_dhcp_opts": Field([]), "description": Field(""), "dns_name": Field(""),
        "dns_domain": Field(""),
        "dns_assignment": Field([], post=False, put=False), "numa_affinity_policy": Field(),
        "hints": Field(), "device_profile": Field(),
    },
    indexes=("network_id", "device_id", "name"), quota="ports", bulk=True, sees=_sees_port,
    prepare=_prepare_port,
    change=_change_port, changed=_port_changed, guard=_guard_port, release=release_port,
    filters={"fixed_ips": _by_fixed_ips, "security_groups": _by_groups},
)  # fmt: skip

COLLECTIONS = ((PORTS, STYLE),)
