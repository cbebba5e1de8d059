"""Recordsets: the records of one name and type in a zone."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable
from typing import Any, Final

from stackd.devcloud.collection import Collection, Field, demand, fetch, listing, own, show, update
from stackd.devcloud.designate.style import (
    STYLE,
    check_common,
    check_name,
    invalid,
    over_quota,
    pend,
    refuse_leaving,
    refuse_unknown,
)
from stackd.devcloud.designate.zones import RECORDSETS, ZONES, renew
from stackd.devcloud.store import JSON, Entity
from stackd.devcloud.wire import Call, Fault, Reply, Route, bad_request

_NUMBERS: Final = r"\d{1,5}"
_TARGET: Final = r"\S+\."
_FORMS: Final = {
    "CNAME": _TARGET,
    "NS": _TARGET,
    "PTR": _TARGET,
    "MX": rf"{_NUMBERS} {_TARGET}",
    "SRV": rf"{_NUMBERS} {_NUMBERS} {_NUMBERS} {_TARGET}",
    "SSHFP": r"\d \d [0-9A-Fa-f]{10,64}",
    "CAA": r"\d{1,3} \w+ .+",
}
_ADDRESSES: Final[dict[str, Callable[[str], Any]]] = {
    "A": ipaddress.IPv4Address,
    "AAAA": ipaddress.IPv6Address,
}
_OTHERS: Final = frozenset({"TXT", "SPF", "CERT", "NAPTR", "SOA"})
_CHANGED: Final = frozenset({"ttl", "description", "records"})
_PLACE: Final = "invalid_recordset_location"


def _check_record(kind: str, record: Any) -> None:
    fits = isinstance(record, str) and re.fullmatch(_FORMS.get(kind, ".+"), record, re.DOTALL) is not None
    if fits and kind in _ADDRESSES:
        try:
            _ADDRESSES[kind](record)
        except ValueError:
            fits = False
    if not fits:
        raise invalid(f"'{record}' is not a '{kind}' Record")


def _check_records(kind: str, records: Any) -> list[str]:
    """The records, each once."""
    if not isinstance(records, list):
        raise invalid(f"'{records}' is not a valid list of records")
    if kind not in {*_FORMS, *_ADDRESSES, *_OTHERS}:
        raise invalid(f"'{kind}' is not a valid record type")
    for record in records:
        _check_record(kind, record)
    if kind == "CNAME" and len(set(records)) > 1:
        raise bad_request("CNAME recordsets may not have more than 1 record")
    return list(dict.fromkeys(records))


def _zone(call: Call) -> Entity:
    return fetch(ZONES, STYLE, call, call.params["zone"])


def _prepare(call: Call, values: JSON, private: JSON) -> None:
    zone = _zone(call)
    refuse_unknown(values, {*FIELDS, *STYLE.project_keys}, "recordset")
    check_name(values["name"], wildcard=True)
    check_common(values)
    values["records"] = _check_records(values["type"], values["records"])
    if values["type"] == "SOA":
        raise bad_request("Creating a SOA recordset is not allowed")
    refuse_leaving(zone)
    _check_place(call, zone, values["name"], values["type"])
    limit = call.world.quota(zone.project_id, "zone_recordsets")
    if 0 <= limit <= sum(1 for _ in call.store.find(RECORDSETS, zone_id=zone.id)):
        raise over_quota("zone_recordsets", limit)
    values |= {"zone_id": zone.id, "zone_name": zone.data["name"], "project_id": zone.project_id}
    values |= {"status": "PENDING", "action": "CREATE", "version": 1}


def _check_place(call: Call, zone: Entity, name: str, kind: str) -> None:
    """A name is in its zone, and an alias alone at its name."""
    if not f".{name}".endswith(f".{zone.data['name']}"):
        raise Fault(400, "RecordSet is not contained within it's parent zone", _PLACE)
    if kind == "CNAME" and name == zone.data["name"]:
        raise Fault(400, "CNAME recordsets may not be created at the zone apex", _PLACE)
    others = {each.data["type"] for each in call.store.find(RECORDSETS, name=name, zone_id=zone.id)} - {kind}
    if others if kind == "CNAME" else "CNAME" in others:
        raise Fault(400, "CNAME recordsets may not share a name with any other records", _PLACE)


def _created(call: Call, recordset: Entity) -> None:
    pend(call, recordset, "CREATE")
    renew(call, _zone(call))


def _change(call: Call, recordset: Entity, changes: JSON) -> None:
    refuse_leaving(_zone(call))
    if recordset.private.get("managed"):
        raise bad_request("Managed records may not be updated")
    refuse_unknown(changes, _CHANGED, "recordset")
    check_common(changes)
    if "records" in changes:
        changes["records"] = _check_records(recordset.data["type"], changes["records"])


def _changed(call: Call, recordset: Entity) -> None:
    pend(call, recordset, "UPDATE")
    renew(call, _zone(call))


def _sees(call: Call, recordset: Entity) -> bool:
    return own(call, recordset) and call.params.get("zone") in (None, recordset.data["zone_id"])


def _view(call: Call, recordset: Entity) -> JSON:
    path = f"/zones/{recordset.data['zone_id']}/recordsets/{recordset.id}"
    return recordset.data | {"links": {"self": f"{call.base}{path}"}}


FIELDS: Final = {
    "name": Field(required=True), "type": Field(required=True), "records": Field([]), "ttl": Field(),
    "description": Field(),
}  # fmt: skip
SETS: Final = Collection(
    kind=RECORDSETS, path="/zones/{zone}/recordsets", singular="", plural="recordsets", label="RecordSet",
    fields=FIELDS, indexes=("zone_id", "name"), unique=(("name", "zone_id", "type"),), sees=_sees,
    methods="create show", prepare=_prepare, created=_created, change=_change, changed=_changed, view=_view,
)  # fmt: skip


def _list(call: Call) -> Reply:
    demand(call, "reader", "find_recordsets", STYLE)
    if "zone" in call.params:
        _zone(call)
    return Reply(200, listing(SETS, STYLE, call, _view))


def _put(call: Call) -> Reply:
    demand(call, SETS.writer, "update_recordset", STYLE)
    recordset = fetch(SETS, STYLE, call, call.params["id"])
    update(SETS, STYLE, call, recordset, call.json())
    return Reply(202, show(SETS, call, recordset))


def _delete(call: Call) -> Reply:
    demand(call, SETS.writer, "delete_recordset", STYLE)
    recordset = fetch(SETS, STYLE, call, call.params["id"])
    refuse_leaving(_zone(call))
    if recordset.private.get("managed"):
        raise bad_request("Managed records may not be deleted")
    pend(call, recordset, "DELETE")
    renew(call, _zone(call))
    return Reply(202, show(SETS, call, recordset))


_ONE: Final = f"{SETS.path}/{{id}}"
ROUTES: Final = (
    Route("GET", "/recordsets", _list),
    Route("GET", SETS.path, _list),
    Route("PUT", _ONE, _put),
    Route("DELETE", _ONE, _delete),
)
