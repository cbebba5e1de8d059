"""Ironic's conventions: errors, pages, hardware addresses, and changes as JSON patches."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from stackd.devcloud.collection import Collection, Field, Style
from stackd.devcloud.rest import unauthorized
from stackd.devcloud.store import JSON, Entity
from stackd.devcloud.wire import Call, Fault, Reply, bad_request, conflict, forbidden, not_found
from stackd.devcloud.world import stamp_micros

_MAC: Final = re.compile(r"(?:[0-9a-f]{2}:){5}[0-9a-f]{2}")


def fault(error: Fault) -> Reply:
    """A fault as Ironic renders it."""
    if error.status == 401:
        return unauthorized()
    side = "Client" if error.status < 500 else "Server"
    message = {"faultcode": side, "faultstring": error.message, "debuginfo": None}
    return Reply(error.status, {"error_message": message})


def _duplicate(label: str, value: str) -> Fault:
    if label == "Port":
        return conflict(f"A port with MAC address {value} already exists.")
    return conflict(f"A {label.lower()} with name {value} already exists.")


def _page(call: Call, plural: str, items: list[JSON], following: str | None) -> JSON:
    return {plural: items} | ({"next": following} if following else {})


STYLE: Final = Style(
    missing=lambda label, entity_id: not_found(f"{label} {entity_id} could not be found."),
    duplicate=_duplicate,
    over_quota=lambda plural, limit: forbidden(f"No more than {limit} {plural} are allowed"),
    denied=lambda action: forbidden(f"Access was denied to the following resource: baremetal:{action}"),
    stamp=lambda at: f"{stamp_micros(at)}+00:00",
    created_key="created_at",
    updated_key="updated_at",
    updated_at_first=False,
    page_links=_page,
    default_limit=1000,
    largest_limit=1000,
    refuses_hidden=True,
    project_keys=(),
)


def links(call: Call, coll: Collection, entity: Entity) -> list[JSON]:
    """The links of an object."""
    return [{"href": f"{call.base}{coll.path}/{entity.id}", "rel": "self"}]


def refuse_unknown(values: Mapping[str, Any], fields: Mapping[str, Field], label: str) -> None:
    """Refuse fields that the object does not have."""
    if unknown := sorted(values.keys() - fields.keys()):
        names = ", ".join(f"'{name}'" for name in unknown)
        raise bad_request(
            f"Schema error for {label}: Additional properties are not allowed ({names} was unexpected)"
        )


def require(values: Mapping[str, Any], label: str, *names: str) -> None:
    """Refuse an object that lacks something."""
    for name in names:
        if values.get(name) is None:
            raise bad_request(f"Schema error for {label}: '{name}' is a required property")


def checked_address(value: Any) -> str:
    """A hardware address, in the form that is kept."""
    if not (isinstance(value, str) and _MAC.fullmatch(value.lower())):
        raise bad_request(f"Expected a MAC address but received {value}.")
    return value.lower()


def patched(call: Call, entity: Entity, fields: Mapping[str, Field], mandatory: frozenset[str]) -> JSON:
    """The new values of the fields that a JSON patch changes."""
    operations = call.json()
    if not isinstance(operations, list):
        raise bad_request("Invalid JSON patch")
    now: JSON = {name: entity.data[name] for name in fields}
    for each in operations:
        _operate(now, each, fields, mandatory)
    return {name: value for name, value in now.items() if value != entity.data[name]}


def _operate(now: JSON, operation: JSON, fields: Mapping[str, Field], mandatory: frozenset[str]) -> None:
    verb, path = operation.get("op"), str(operation.get("path"))
    name, _, key = path.removeprefix("/").partition("/")
    if name not in fields or verb not in ("add", "replace", "remove"):
        raise bad_request(f"Couldn't apply patch '{operation}'. Reason: no such path or operation")
    if verb == "remove" and path.removeprefix("/") in mandatory:
        raise bad_request(f"'{path}' is a mandatory attribute and can not be removed")
    if verb == "remove" and fields[name].default is True:  # it has no null, and nobody fills it in
        raise Fault(500, f"Field `{name}' cannot be None")
    value = fields[name].default if verb == "remove" else operation.get("value")
    if not key:
        now[name] = value
        return
    inside = dict(now[name] or {})
    if verb == "remove":
        inside.pop(key, None)
    else:
        inside[key] = value
    now[name] = inside
