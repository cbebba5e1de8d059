"""Share networks, and the security services that they have."""

from __future__ import annotations

from typing import Final

from stackd.devcloud.collection import Collection, Field, demand, fetch, own
from stackd.devcloud.manila.shares import NETWORKS as KIND
from stackd.devcloud.manila.shares import SHARES
from stackd.devcloud.manila.style import STYLE, check_texts, invalid
from stackd.devcloud.store import JSON, Entity
from stackd.devcloud.wire import Call, Reply, Route, bad_request, conflict, forbidden, not_found

_TYPES: Final = ("ldap", "kerberos", "active_directory")
_PLACE: Final = ("neutron_net_id", "neutron_subnet_id")
_TO_ADMINS: Final = ("network_type", "segmentation_id")
_HELD: Final = "services"
"""The private field with the ids of the security services."""


def _prepare(call: Call, values: JSON, private: JSON) -> None:
    check_texts(values, "name", "description")
    if "nova_net_id" in values:
        raise bad_request("nova networking is not supported starting in Ocata.")
    if bool(values[_PLACE[0]]) != bool(values[_PLACE[1]]):
        raise bad_request(
            "When creating a new share network subnet you need to specify both neutron_net_id and "
            "neutron_subnet_id or none of them."
        )
    private |= {_HELD: [], "subnet": call.world.uuid()}
    values |= {"status": "active", "security_service_update_support": True}


def _change(call: Call, network: Entity, changes: JSON) -> None:
    check_texts(changes, "name", "description")
    if _is_used(call, network) and changes.keys() - {"name", "description"}:
        raise forbidden(
            f"Cannot update share network {network.id}. It is used by share servers. Only 'name' and "
            "'description' fields are available for update"
        )
    is_empty = not any(network.data[name] for name in _PLACE)
    if is_empty and changes.keys() & set(_PLACE) and not all(changes.get(name) for name in _PLACE):
        raise bad_request(
            f"To update the share network {network.id} you need to specify both 'neutron_net_id' and "
            "'neutron_subnet_id'."
        )


def _is_used(call: Call, network: Entity) -> bool:
    return call.store.first(SHARES.kind, share_network_id=network.id) is not None


def _guard(call: Call, network: Entity) -> None:
    shares = sum(1 for _ in call.store.find(SHARES.kind, share_network_id=network.id))
    if shares:
        raise conflict(f"Can not delete share network {network.id}, it has {shares} share(s).")


def _view(call: Call, network: Entity) -> JSON:
    """The place is shown as the only subnet; what Neutron knows of it, once there is a share server."""
    data, known = network.data, _details(call, network)
    subnet = {
        "id": network.private["subnet"], "availability_zone": None, "created_at": data["created_at"],
        "updated_at": data["updated_at"], "mtu": None, "gateway": None,
        **{name: data[name] for name in _PLACE}, **known,
    }  # fmt: skip
    if not call.actor.is_admin:
        subnet |= dict.fromkeys(_TO_ADMINS)
    shown = {name: value for name, value in data.items() if name not in _PLACE}
    return shown | {"share_network_subnets": [subnet]}


def _details(call: Call, network: Entity) -> JSON:
    unknown: JSON = dict.fromkeys(("cidr", "ip_version", "network_type", "segmentation_id"))
    subnet = call.store.get("network.subnets", str(network.data["neutron_subnet_id"]))
    if subnet is None or not _is_used(call, network):
        return unknown
    return {
        "cidr": subnet.data["cidr"], "ip_version": subnet.data["ip_version"], "network_type": "vxlan",
        "segmentation_id": 1,
    }  # fmt: skip


NETWORKS: Final = Collection(
    kind=KIND, path="/share-networks", singular="share_network", plural="share_networks",
    label="Share network",
    fields={
        "name": Field(), "description": Field(), **{name: Field() for name in _PLACE},
    },
    indexes=("name",), detail=True, quota="share_networks", prepare=_prepare, change=_change, guard=_guard,
    view=_view, brief=lambda call, entity: {name: entity.data[name] for name in ("id", "name")},
)  # fmt: skip


def _prepare_service(call: Call, values: JSON, private: JSON) -> None:
    check_texts(values, *SECURITY.fields)
    if values["type"] not in _TYPES:
        raise invalid(
            f"Invalid type {values['type']} specified for security service. Valid types are "
            f"{','.join(_TYPES)}"
        )
    values["status"] = "new"


def _holders(call: Call, service: Entity) -> list[Entity]:
    return [each for each in call.store.all(KIND) if service.id in each.private[_HELD]]


def _change_service(call: Call, service: Entity, changes: JSON) -> None:
    check_texts(changes, *changes)
    used = any(_is_used(call, each) for each in _holders(call, service))
    if used and changes.keys() - {"name", "description"}:
        raise forbidden(
            f"Cannot update security service {service.id}. It is attached to share network with share server "
            "associated. Only 'name' and 'description' fields are available for update."
        )


def _guard_service(call: Call, service: Entity) -> None:
    if _holders(call, service):
        raise forbidden("Cannot delete security service. It is assigned to share network(s)")


def _is_of(call: Call, service: Entity, values: list[str]) -> bool:
    network = call.store.get(KIND, values[0])
    if network is None or not own(call, network):
        raise not_found(f"Share network {values[0]} could not be found.")
    return service.id in network.private[_HELD]


SECURITY: Final = Collection(
    kind="shared-file-system.security_services", path="/security-services", singular="security_service",
    plural="security_services", label="Security service",
    fields={
        "name": Field(), "description": Field(), "type": Field(put=False), "dns_ip": Field(),
        "server": Field(), "domain": Field(), "user": Field(), "password": Field(),
    },
    filters={"share_network_id": _is_of}, detail=True, prepare=_prepare_service, change=_change_service,
    guard=_guard_service,
    brief=lambda call, entity: {name: entity.data[name] for name in ("id", "name", "type", "status")},
)  # fmt: skip


def _act(call: Call) -> Reply:
    """Add a security service to a share network, or remove it."""
    network = fetch(NETWORKS, STYLE, call, call.params["id"])
    action, asked = next(iter(call.json().items()), ("", None))
    if action not in ("add_security_service", "remove_security_service"):
        raise bad_request(f"There is no such action: {action}")
    demand(call, "member", f"share_network:{action}", STYLE)
    if not isinstance(asked, dict) or "security_service_id" not in asked:
        raise bad_request("Malformed request body")
    service = fetch(SECURITY, STYLE, call, str(asked["security_service_id"]))
    (_add if action.startswith("add") else _remove)(call, network, service)
    return Reply(200, {NETWORKS.singular: _view(call, network)})


def _add(call: Call, network: Entity, service: Entity) -> None:
    held: list[str] = network.private[_HELD]
    if service.id in held:
        raise bad_request(
            f"Failed to associate share network {network.id} and security service {service.id}: Already "
            "associated."
        )
    kinds = {each.data["type"] for name in held if (each := call.store.get(SECURITY.kind, name))}
    if service.data["type"] in kinds:
        raise conflict(
            f"Invalid security service: Cannot add security service to share network. Security service with "
            f"'{service.data['type']}' type already added to '{network.id}' share network"
        )
    held.append(service.id)


def _remove(call: Call, network: Entity, service: Entity) -> None:
    if _is_used(call, network):
        raise forbidden("Cannot remove security services. Share network is used.")
    if service.id not in network.private[_HELD]:
        raise bad_request(
            f"Failed to dissociate share network {network.id} and security service {service.id}: No "
            "association defined."
        )
    network.private[_HELD].remove(service.id)


ROUTES: Final = (Route("POST", "/share-networks/{id}/action", _act),)
