"""The one host of the dev cloud, aggregates of hosts, and availability zones."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from stackd.devcloud.collection import Collection, Field, admin_only, demand, fetch, wrapped
from stackd.devcloud.nova.style import PLAIN, denied
from stackd.devcloud.rest import texts
from stackd.devcloud.store import JSON, Entity
from stackd.devcloud.wire import Call, Fault, Reply, Route, bad_request, conflict, not_found

HOST = "dev"
_ZONE = "availability_zone"


def _prepare(call: Call, values: JSON, private: JSON) -> None:
    if call.version >= (2, 41):
        values["uuid"] = call.world.uuid()
    values |= {
        "hosts": [], "metadata": {_ZONE: values[_ZONE]} if values[_ZONE] else {}, "deleted": False,
        "created_at": None, "updated_at": None, "deleted_at": None,
    }  # fmt: skip


def _change(call: Call, entity: Entity, changes: JSON) -> None:
    if _ZONE in changes:
        _require_zone(entity, changes[_ZONE])
        changes["metadata"] = entity.data["metadata"] | {_ZONE: changes[_ZONE]}


def _require_zone(entity: Entity, zone: str | None) -> None:
    if not zone:
        raise _refusal(
            "update",
            entity,
            f"Aggregate {entity.data['name']} does not support empty named availability zone.",
        )


def _refusal(what: str, entity: Entity, reason: str) -> Fault:
    return bad_request(f"Cannot {what} aggregate {entity.id}. Reason: {reason}")


def _guard(call: Call, entity: Entity) -> None:
    if entity.data["hosts"]:
        raise _refusal("remove host from", entity, "Host aggregate is not empty.")


def _view(call: Call, entity: Entity) -> JSON:
    return entity.data | {"id": int(entity.id)}


AGGREGATES = Collection(
    kind="compute.aggregates", path="/os-aggregates", singular="aggregate", plural="aggregates",
    label="Aggregate", fields={"name": Field(required=True), _ZONE: Field()}, unique=(("name",),),
    sees=admin_only, writer="admin", lister="admin", projectless=True, delete_status=200, prepare=_prepare,
    change=_change, guard=_guard, view=_view,
    choose_id=lambda call, values: str(call.world.random.getrandbits(31)),
)  # fmt: skip
COLLECTIONS = ((AGGREGATES, PLAIN),)


def _add_host(call: Call, entity: Entity, host: str) -> JSON:
    if host != HOST:
        raise not_found(f"Compute host {host} could not be found.")
    if host in entity.data["hosts"]:
        raise conflict(f"Aggregate {entity.id} already has host {host}.")
    zone, others = entity.data[_ZONE], _zones_of(call, host) - {entity.data[_ZONE]}
    if zone and others:
        raise conflict(
            f"Cannot add host to aggregate {entity.id}. Reason: One or more hosts already in availability "
            f"zone(s) {sorted(others)}."
        )
    return {"hosts": [*entity.data["hosts"], host]}


def _remove_host(call: Call, entity: Entity, host: str) -> JSON:
    if host not in entity.data["hosts"]:
        raise not_found(f"Cannot remove host {host} in aggregate {entity.id}")
    return {"hosts": [each for each in entity.data["hosts"] if each != host]}


def _set_metadata(call: Call, entity: Entity, metadata: JSON) -> JSON:
    if _ZONE in metadata:
        _require_zone(entity, metadata[_ZONE])
    merged = entity.data["metadata"] | texts(metadata)
    kept = {name: value for name, value in merged.items() if value is not None}
    return {"metadata": kept, _ZONE: kept.get(_ZONE)}


def _zones_of(call: Call, host: str) -> set[str]:
    rows = call.store.all(AGGREGATES.kind)
    return {row.data[_ZONE] for row in rows if row.data[_ZONE] and host in row.data["hosts"]}


_ACTIONS: dict[str, tuple[str, Callable[[Call, Entity, Any], JSON]]] = {
    "add_host": ("host", _add_host),
    "remove_host": ("host", _remove_host),
    "set_metadata": ("metadata", _set_metadata),
}


def _act(call: Call) -> Reply:
    demand(call, "admin", "os-aggregates", PLAIN)
    entity = fetch(AGGREGATES, PLAIN, call, call.params["id"])
    for name, arguments in call.json().items():
        if name not in _ACTIONS:
            raise bad_request(f"There is no such action: {name}")
        argument, change = _ACTIONS[name]
        call.store.update(entity, change(call, entity, arguments[argument]))
    return Reply(200, wrapped(AGGREGATES, _view(call, entity)))


def _services(call: Call) -> Reply:
    if not call.actor.is_admin:
        raise denied("os-services:list")
    service: JSON = {
        "id": call.world.named_id("service", HOST), "binary": "nova-compute", "host": HOST,
        "zone": _zone(call), "status": "enabled", "state": "up", "updated_at": None, "disabled_reason": None,
        "forced_down": False,
    }  # fmt: skip
    return Reply(200, {"services": [service]})


def _zone(call: Call) -> str:
    return next(iter(_zones_of(call, HOST)), "nova")


def _zones(call: Call) -> Reply:
    hosts = {HOST: {"nova-compute": {"active": True, "available": True, "updated_at": None}}}
    zone: JSON = {"zoneName": _zone(call), "zoneState": {"available": True}, "hosts": None}
    if call.path.endswith("/detail"):
        zone["hosts"] = hosts
    return Reply(200, {"availabilityZoneInfo": [zone]})


ROUTES = (
    Route("POST", "/os-aggregates/{id}/action", _act),
    Route("GET", "/os-services", _services),
    Route("GET", "/os-availability-zone", _zones),
    Route("GET", "/os-availability-zone/detail", _zones),
)
