"""Zones, each with its records SOA and NS."""

from __future__ import annotations

from typing import Final

from stackd.devcloud.collection import Collection, Field, demand, fetch
from stackd.devcloud.designate.style import (
    STYLE,
    check_common,
    check_email,
    check_name,
    invalid,
    pend,
    refuse_leaving,
    refuse_unknown,
)
from stackd.devcloud.store import JSON, Entity
from stackd.devcloud.wire import Call, Fault, Reply, Route, forbidden

RECORDSETS: Final = "dns.recordsets"
_SERVER: Final = "ns1.devcloud.test."
_CHANGED: Final = frozenset({"email", "ttl", "description", "masters"})


def _prepare(call: Call, values: JSON, private: JSON) -> None:
    refuse_unknown(values, {*FIELDS, *STYLE.project_keys}, "zone")
    check_name(values["name"])
    if values["name"].count(".") < 2:
        raise Fault(400, "More than one label is required", "invalid_zone_name")
    check_common(values)
    if values["type"] not in ("PRIMARY", "SECONDARY"):
        raise invalid(f"'{values['type']}' is not a type of zones")
    _check_type(values)
    _check_owner(call, values["name"])
    values["ttl"] = 3600 if values["ttl"] is None else values["ttl"]
    values["email"] = values["email"] or "hostmaster@devcloud.test"
    values |= {"serial": int(call.world.clock()), "pool_id": call.world.named_id("dns", "pool")}
    values |= {"status": "PENDING", "action": "CREATE", "version": 1, "shared": False, "transferred_at": None}


def _check_type(values: JSON) -> None:
    """Primary zones have an address for mail, secondary ones masters, and neither has the other's."""
    if values["type"] == "PRIMARY":
        if values["masters"]:
            raise invalid("'masters' has more items than allowed")
        if values["email"] is None:
            raise invalid("'email' is a required property")
        check_email(values["email"])
        return
    if not values["masters"]:
        raise invalid("'masters' is a required property")
    for name in ("email", "ttl"):
        if values[name] is not None:
            raise invalid(f"'{name}' can't be specified when type is SECONDARY")


def _check_owner(call: Call, name: str) -> None:
    """No zone may be below one of another project."""
    for other in call.store.all(ZONES.kind):
        if other.project_id != call.actor.project_id and name.endswith(f".{other.data['name']}"):
            raise forbidden(f"Unable to create subzone in another tenants zone: {other.data['name']}")


def _created(call: Call, zone: Entity) -> None:
    pend(call, zone, "CREATE")
    email = zone.data["email"].replace("@", ".")
    _add_own(call, zone, "NS", _SERVER)
    _add_own(call, zone, "SOA", f"{_SERVER} {email}. {zone.data['serial']} 3600 600 86400 3600")


def _add_own(call: Call, zone: Entity, kind: str, record: str) -> None:
    data = {
        "id": call.world.uuid(), "zone_id": zone.id, "zone_name": zone.data["name"], "type": kind,
        "name": zone.data["name"], "records": [record], "ttl": None, "description": None, "status": "ACTIVE",
        "action": "NONE", "version": 1, "created_at": zone.data["created_at"], "updated_at": None,
        "project_id": zone.project_id,
    }  # fmt: skip
    call.store.add(RECORDSETS, data["id"], zone.project_id, data, {"managed": True})


def _change(call: Call, zone: Entity, changes: JSON) -> None:
    refuse_leaving(zone)
    refuse_unknown(changes, _CHANGED, "zone")
    check_common(changes)
    now = zone.data | changes
    is_primary = now["type"] == "PRIMARY"
    _check_type(now if is_primary else now | {name: changes.get(name) for name in ("email", "ttl")})


def _changed(call: Call, zone: Entity) -> None:
    renew(call, zone)
    pend(call, zone, "UPDATE")


def renew(call: Call, zone: Entity) -> None:
    """Give the zone the number of its next state."""
    serial = max(int(call.world.clock()), zone.data["serial"] + 1)
    call.store.update(zone, {"serial": serial})


def _view(call: Call, zone: Entity) -> JSON:
    return zone.data | {"links": {"self": f"{call.base}/zones/{zone.id}"}}


FIELDS: Final = {
    "name": Field(required=True), "email": Field(), "ttl": Field(), "description": Field(),
    "type": Field("PRIMARY"), "masters": Field([]), "attributes": Field({}),
}  # fmt: skip
ZONES: Final = Collection(
    kind="dns.zones", path="/zones", singular="", plural="zones", label="Zone", fields=FIELDS,
    unique=(("name",),), quota="zones", methods="list create show update", prepare=_prepare,
    created=_created, change=_change, changed=_changed, view=_view,
)  # fmt: skip


def _delete(call: Call) -> Reply:
    demand(call, ZONES.writer, "delete_zone", STYLE)
    zone = fetch(ZONES, STYLE, call, call.params["id"])
    below = f".{zone.data['name']}"
    if any(each.data["name"].endswith(below) for each in call.store.all(ZONES.kind)):
        raise Fault(400, "Please delete any subzones before deleting this zone", "zone_has_sub_zone")
    pend(call, zone, "DELETE")
    for each in list(call.store.find(RECORDSETS, zone_id=zone.id)):
        pend(call, each, "DELETE")
    return Reply(202, _view(call, zone))


ROUTES: Final = (Route("DELETE", "/zones/{id}", _delete),)
