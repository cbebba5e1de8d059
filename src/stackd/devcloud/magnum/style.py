"""Magnum's conventions: errors, ids, times, lists without filters, and JSON patches."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final

from stackd.devcloud.collection import Style, own
from stackd.devcloud.rest import unauthorized
from stackd.devcloud.store import JSON, Entity
from stackd.devcloud.wire import Call, Fault, Reply, bad_request, conflict, forbidden, not_found

_PAGING: Final = frozenset({"marker", "limit", "sort_key", "sort_dir"})
_READ_ONLY: Final = frozenset({"created_at", "id", "links", "updated_at", "uuid", "project_id", "user_id"})


def fault(error: Fault) -> Reply:
    """A fault as Magnum renders it."""
    if error.status == 401:
        return unauthorized()
    title = error.message.partition(".")[0]
    rest = {"request_id": "", "code": "client", "links": []}
    return Reply(
        error.status, {"errors": [{"status": error.status, "title": title, "detail": error.message, **rest}]}
    )


def invalid(name: str, value: Any, reason: str) -> Fault:
    """The fault for a value of another type, or beyond its bounds."""
    return bad_request(f"Invalid input for field/attribute {name}. Value: '{value}'. {reason}")


def missing(label: str, entity_id: str) -> Fault:
    """The fault for a missing object."""
    return not_found(f"{label} {entity_id} could not be found.")


def _duplicate(label: str, value: str) -> Fault:
    return conflict(f"A {label} with UUID {value} already exists.")


def _over_quota(plural: str, limit: int) -> Fault:
    return forbidden(
        f"Resource limit exceeded: You have reached the maximum clusters per project, {limit}. "
        "You may delete a cluster to make room for a new one."
    )


def _denied(action: str) -> Fault:
    return forbidden(f"Policy doesn't allow {action} to be performed.")


def _stamp(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).replace(microsecond=0).isoformat()


def _page(call: Call, plural: str, items: list[JSON], following: str | None) -> JSON:
    return {plural: items} | ({"next": following} if following else {})


STYLE: Final = Style(
    missing=missing,
    duplicate=_duplicate,
    over_quota=_over_quota,
    denied=_denied,
    stamp=_stamp,
    created_key="created_at",
    updated_key="updated_at",
    updated_at_first=False,
    page_links=_page,
    default_limit=1000,
    largest_limit=1000,
    project_keys=("project_id",),
)


def refuse_filters(call: Call) -> None:
    """Lists are cut into pages and sorted, but never filtered."""
    for name, _ in call.query:
        if name not in _PAGING:
            raise bad_request(f'Unknown argument: "{name}"')


def demand_own(call: Call, entity: Entity, action: str) -> None:
    """Refuse to change what only is seen."""
    if not own(call, entity):
        raise _denied(action)


def whole(name: str, value: Any, least: int) -> None:
    """Refuse what is not a whole number of at least so many."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise invalid(name, value, "Wrong type. Expected 'int'")
    if value < least:
        raise invalid(name, value, f"Value should be greater or equal to {least}")


def patched(call: Call, entity: Entity, fields: JSON) -> JSON:
    """The changes that the JSON patch of a request makes; ``fields`` are the values of what it removes."""
    body = call.json()
    if not isinstance(body, list):
        raise bad_request("Invalid input for field/attribute patch. Expected a list of operations.")
    changes: JSON = {}
    for each in body:
        name = str(each["path"]).removeprefix("/")
        if name in _READ_ONLY:
            raise bad_request(f"'/{name}' is an internal attribute and can not be updated")
        if name not in entity.data:
            raise bad_request(f"Couldn't apply patch '{body}'. Reason: there is no {name}")
        if each["op"] == "add" and entity.data[name] is not None:
            raise bad_request(f"The attribute /{name} has existed, please use 'replace' operation instead.")
        if each["op"] != "remove" and each.get("value") is None:
            raise bad_request("'add' and 'replace' operations needs value")
        changes[name] = fields.get(name) if each["op"] == "remove" else each["value"]
    return changes
