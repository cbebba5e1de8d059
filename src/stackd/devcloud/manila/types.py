"""Share types with their extra specs."""

from __future__ import annotations

import re
from typing import Any, Final

from stackd.devcloud.collection import Collection, Field, demand, fetch
from stackd.devcloud.manila.style import STYLE, check_texts
from stackd.devcloud.store import JSON, Entity
from stackd.devcloud.wire import Call, Reply, Route, bad_request, forbidden, not_found

PUBLIC: Final = "share_type_access:is_public"
SERVERS: Final = "driver_handles_share_servers"
SNAPSHOTS: Final = "snapshot_support"
_OPTIONAL_FLAGS: Final = (
    *(SNAPSHOTS, "create_share_from_snapshot_support", "revert_to_snapshot_support"),
    "mount_snapshot_support",
)
_FLAGS: Final = frozenset({SERVERS, *_OPTIONAL_FLAGS})
_KEY: Final = re.compile(r"[\w.\-:]{1,255}")
_YES: Final = ("true", "1", "t", "yes", "y", "on")
_NO: Final = ("false", "0", "f", "no", "n", "off")


def is_on(value: Any) -> bool:
    """Whether an extra spec, one that is a flag, is set."""
    return str(value).lower().removeprefix("<is>").strip() in _YES


def _check_specs(specs: Any) -> dict[str, str]:
    if not isinstance(specs, dict):
        raise bad_request("The server could not comply with the request: extra_specs is no map.")
    for name, value in specs.items():
        known = str(value).lower().removeprefix("<is>").strip() in (*_YES, *_NO)
        fits = isinstance(value, bool) or (isinstance(value, str) and 0 < len(value) <= 255)
        if not _KEY.fullmatch(name) or not fits or (name in _FLAGS and not known):
            raise bad_request(f"Invalid extra_spec: {name}: {value}")
    return {name: str(value) for name, value in specs.items()}


def _prepare(call: Call, values: JSON, private: JSON) -> None:
    check_texts(values, "name", "description")
    if not values["name"]:
        raise bad_request("Type name or description is not valid.")
    if SERVERS not in (values["extra_specs"] or {}):
        raise bad_request(f"Invalid extra_spec: Required extra specs '{SERVERS}' not specified..")
    values["extra_specs"] = _check_specs(values["extra_specs"])


def _change(call: Call, entity: Entity, changes: JSON) -> None:
    check_texts(changes, "name", "description")
    if "name" in changes and not (changes["name"] or "").strip():
        raise bad_request("Share type name cannot be empty.")
    if not changes:
        raise bad_request(f"Specify share type name, description, {PUBLIC} or a combination thereof.")


def _sees(call: Call, entity: Entity) -> bool:
    return bool(entity.data[PUBLIC]) or call.actor.is_admin


def _guard(call: Call, entity: Entity) -> None:
    if call.store.first("shared-file-system.shares", share_type=entity.id) is not None:
        raise bad_request("Target share type is still in use.")


def _view(call: Call, entity: Entity) -> JSON:
    specs = dict(entity.data["extra_specs"])
    shown = entity.data | {"required_extra_specs": {SERVERS: specs[SERVERS]}}
    shown["is_default"] = entity.data["name"] == "default"
    if not call.actor.is_admin:
        visible = {name: specs.get(name, "False") for name in _OPTIONAL_FLAGS}
        shown["extra_specs"] = visible | {SERVERS: specs[SERVERS]}
    return {name: value for name, value in shown.items() if name not in ("created_at", "updated_at")}


TYPES: Final = Collection(
    kind="shared-file-system.share_types", path="/types", singular="share_type", plural="share_types",
    label="Share Type",
    fields={
        "name": Field(), "description": Field(), PUBLIC: Field(True), "extra_specs": Field(put=False),
    },
    unique=(("name",),), sees=_sees, writer="admin", projectless=True, prepare=_prepare, change=_change,
    guard=_guard, view=_view,
)  # fmt: skip


def find_type(call: Call, asked: Any) -> Entity:
    """The share type of a name or id, or the default one; a fault if there is none."""
    wanted = asked or "default"
    found = call.store.get(TYPES.kind, str(wanted)) or call.store.first(TYPES.kind, name=wanted)
    if found is None or not _sees(call, found):
        raise not_found("Share type not found.")
    return found


def _specs_of(call: Call) -> Entity:
    demand(call, "admin", "share_types_extra_spec", STYLE)
    return fetch(TYPES, STYLE, call, call.params["id"])


def _specs(call: Call) -> Reply:
    return Reply(200, {"extra_specs": _specs_of(call).data["extra_specs"]})


def _add_specs(call: Call) -> Reply:
    entity = _specs_of(call)
    added = _check_specs(call.unwrap("extra_specs"))
    call.store.update(entity, {"extra_specs": entity.data["extra_specs"] | added})
    return Reply(200, {"extra_specs": added})


def _delete_spec(call: Call) -> Reply:
    entity, key = _specs_of(call), call.params["key"]
    if key == SERVERS:
        raise forbidden(f"Extra spec '{key}' can't be deleted.")
    if key not in entity.data["extra_specs"]:
        raise not_found(f"Share type {entity.id} has no extra specs with key {key}.")
    kept = {name: value for name, value in entity.data["extra_specs"].items() if name != key}
    call.store.update(entity, {"extra_specs": kept})
    return Reply(202)


ROUTES: Final = (
    Route("GET", "/types/{id}/extra_specs", _specs),
    Route("POST", "/types/{id}/extra_specs", _add_specs),
    Route("DELETE", "/types/{id}/extra_specs/{key}", _delete_spec),
)
