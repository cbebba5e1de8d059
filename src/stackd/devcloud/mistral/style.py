"""Mistral's conventions: errors, times, JSON in texts, pages, and objects known by name or id."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any, Final

import orjson

from stackd.devcloud.collection import ROLE_GRANTS
from stackd.devcloud.rest import unauthorized
from stackd.devcloud.store import JSON, Entity
from stackd.devcloud.wire import Call, Fault, Reply, bad_request, forbidden, not_found

WORKFLOWS: Final = "workflow.workflows"
EXECUTIONS: Final = "workflow.executions"
TASKS: Final = "workflow.tasks"
TRIGGERS: Final = "workflow.cron_triggers"


def fault(error: Fault) -> Reply:
    """A fault as Mistral renders it."""
    if error.status == 401:
        return unauthorized()
    side = "Client" if error.status < 500 else "Server"
    return Reply(error.status, {"faultcode": side, "faultstring": error.message, "debuginfo": None})


def stamp(at: float) -> str:
    """A time as Mistral writes it: `2026-11-22 17:22:08`."""
    return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%d %H:%M:%S}"


def text_of(value: Any) -> str:
    """A value as JSON, which fields with values of users are shown as."""
    return orjson.dumps(value, option=orjson.OPT_NON_STR_KEYS).decode()


def value_of(given: Any, name: str) -> JSON:
    """A map in a request, given as it is or as JSON in a text; a fault if it is none."""
    try:
        value = orjson.loads(given or "{}") if isinstance(given, str | None) else given
    except orjson.JSONDecodeError:
        value = None
    if not isinstance(value, dict):
        raise bad_request(
            f"Invalid input for field/attribute {name}. Value: '{given}'. A JSON object is needed."
        )
    return value


def demand_writer(call: Call, rule: str) -> None:
    """Refuse callers who may only read."""
    if ROLE_GRANTS["member"].isdisjoint(call.actor.roles):
        raise forbidden(f"Policy doesn't allow {rule} to be performed.")


def sees(call: Call, entity: Entity) -> bool:
    """Whether an object belongs to the caller's project, or is public."""
    return entity.project_id == call.actor.project_id or entity.data.get("scope") == "public"


def found(call: Call, kind: str, label: str, identifier: str, *, writes: bool = False) -> Entity:
    """The object with this id or name; a fault if the caller sees none, or may not write it."""
    each = _first(call, kind, identifier)
    if each is None or (writes and each.project_id != call.actor.project_id):
        raise not_found(f"{label} not found [{identifier}]")
    return each


def _first(call: Call, kind: str, identifier: str) -> Entity | None:
    entity = call.store.get(kind, identifier)
    if entity is not None and sees(call, entity):
        return entity
    named = [each for each in call.store.find(kind, name=identifier) if sees(call, each)]
    named.sort(key=lambda each: each.project_id != call.actor.project_id)  # own ones first
    return named[0] if named else None


def page(call: Call, plural: str, entities: Iterable[Entity], view: Callable[[Entity], JSON]) -> Reply:
    """A list: what the filters of the query leave, from the marker on, with the fields that are asked for."""
    filters = {key: value for key, value in call.query if key not in _OTHERS}
    shown = [view(each) for each in entities if _meets(each, filters)]
    if marker := call.first("marker"):
        place = next((at for at, each in enumerate(shown) if each["id"] == marker), -1)
        shown = shown[place + 1 :]
    limit = call.first("limit")
    if limit and (not limit.isdigit() or int(limit) < 1):
        raise bad_request(f"Limit must be positive: {limit}")
    rest, answer = shown[int(limit) :] if limit else [], shown[: int(limit)] if limit else shown
    names = [name for name in call.first("fields").split(",") if name]
    if names:
        answer = [{key: each[key] for key in ("id", *names) if key in each} for each in answer]
    reply: JSON = {plural: answer}
    if rest:
        reply["next"] = f"{call.base}{call.path}?limit={limit}&marker={answer[-1]['id']}"
    return Reply(200, reply)


_OTHERS: Final = ("marker", "limit", "sort_keys", "sort_dirs", "fields", "include_output", "all_projects")


def _meets(entity: Entity, filters: dict[str, str]) -> bool:
    return all(str(entity.data.get(name)) == value.removeprefix("eq:") for name, value in filters.items())
