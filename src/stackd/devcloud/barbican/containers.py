"""Containers of secrets, and the consumers that are registered with them."""

from __future__ import annotations

from typing import Any, Final

from stackd.devcloud.barbican.secrets import SECRETS
from stackd.devcloud.barbican.style import STYLE, checked, invalid, last_part, refer, routes
from stackd.devcloud.collection import Collection, Field, demand, fetch
from stackd.devcloud.store import JSON
from stackd.devcloud.wire import Call, Reply, Route, bad_request, not_found

_SCHEMA: Final = "Container"
_KEYS: Final = frozenset({"private_key", "private_key_passphrase"})
_NAMES: Final = {
    "rsa": (frozenset({"public_key", "private_key"}), _KEYS | {"public_key"}),
    "certificate": (frozenset({"certificate"}), _KEYS | {"certificate", "intermediates"}),
}
"""The names of secrets that containers of a type must have, and those that they may have."""


def _prepare(call: Call, values: JSON, private: JSON) -> None:
    checked(_SCHEMA, values, FIELDS)
    kind, refs = values["type"], values["secret_refs"] or []
    if kind not in ("generic", *_NAMES):
        raise invalid(_SCHEMA, f"{kind!r} is not one of ['generic', 'rsa', 'certificate']", "type")
    if refs:
        _check_refs(call, kind, refs)
    shown = [{"secret_ref": each["secret_ref"], "name": each.get("name")} for each in refs]
    owner = call.actor.user_id
    values |= {"secret_refs": shown, "consumers": [], "status": "ACTIVE", "creator_id": owner}


def _check_refs(call: Call, kind: str, refs: list[Any]) -> None:
    names = {each.get("name") for each in refs}
    if len(names) < len(refs):
        raise invalid(_SCHEMA, "Duplicate reference names are not allowed", "secret_refs")
    if len({last_part(each["secret_ref"]) for each in refs}) < len(refs):
        raise invalid(_SCHEMA, "Duplicate secret ids are not allowed", "secret_refs")
    required, allowed = _NAMES.get(kind, (frozenset(), names))
    if names - allowed:
        reason = f"only {sorted(allowed)} reference names are allowed for the type {kind}"
        raise invalid(_SCHEMA, reason, "secret_refs")
    if required - names:
        reason = f"The minimum required reference names are {sorted(required)} for the type {kind}"
        raise invalid(_SCHEMA, reason, "secret_refs")
    for each in refs:
        _check_ref(call, each)


def _check_ref(call: Call, given: JSON) -> None:
    if not given["secret_ref"].startswith(call.base):
        raise bad_request("Provided field value is not supported")
    found = call.store.get(SECRETS.kind, last_part(given["secret_ref"]))
    if found is None or found.project_id != call.actor.project_id:
        raise not_found(f"Secret provided for '{given.get('name')}' doesn't exist.")


FIELDS: Final = {"name": Field(), "type": Field(), "secret_refs": Field()}
CONTAINERS: Final = Collection(
    kind="key-manager.containers", path="/containers", singular="", plural="containers", label="Container",
    fields=FIELDS, quota="containers", id_field="container_ref", methods="show delete", prepare=_prepare,
    created=refer("/containers", "container_ref"),
)  # fmt: skip


def _consume(call: Call) -> Reply:
    """Register a consumer, or take it back."""
    demand(call, "member", "ContainerConsumer(s) creation", STYLE)
    container = fetch(CONTAINERS, STYLE, call, call.params["id"])
    body = call.json()
    if not (isinstance(body, dict) and body.get("name") and body.get("URL")):
        raise invalid("Consumer", "'name' and 'URL' are required properties", "None")
    consumer = {"name": body["name"], "URL": body["URL"]}
    others = [each for each in container.data["consumers"] if each != consumer]
    if call.method == "DELETE" and len(others) == len(container.data["consumers"]):
        raise not_found("Consumer not found.")
    now = [*others, consumer] if call.method == "POST" else others
    call.store.update(container, {"consumers": now})
    return Reply(200, container.data)


ROUTES: Final = (
    *routes(CONTAINERS, 201),
    Route("POST", "/containers/{id}/consumers", _consume),
    Route("DELETE", "/containers/{id}/consumers", _consume),
)
