"""Barbican's conventions: errors, URLs for ids, pages by offset, and what all its objects have."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import urlencode

from stackd.devcloud.collection import Collection, Field, Style, create, demand, show, visible
from stackd.devcloud.rest import unauthorized
from stackd.devcloud.store import JSON, Entity
from stackd.devcloud.wire import Call, Fault, Handler, Reply, Route, bad_request, forbidden, not_found
from stackd.devcloud.world import stamp_plain

_PAGE: Final = 10
_MOST: Final = 100
_LONGEST: Final = 255
_OTHERS: Final = frozenset({"payload", "bit_length", "secret_refs"})
"""The fields that are not short texts."""


def fault(error: Fault) -> Reply:
    """A fault as Barbican renders it."""
    if error.status == 401:
        return unauthorized()
    title = HTTPStatus(error.status).phrase
    return Reply(error.status, {"code": error.status, "title": title, "description": error.message})


def invalid(schema: str, reason: str, name: str) -> Fault:
    """The fault for a request that does not match its schema."""
    return bad_request(
        f"Provided object does not match schema '{schema}': {reason}. Invalid property: '{name}'"
    )


def _missing(label: str, entity_id: str) -> Fault:
    return not_found(f"{'Secrets container' if label == 'Container' else label} not found.")


def _duplicate(label: str, value: str) -> Fault:
    return Fault(409, f"{label} {value} exists.")


def _over_quota(plural: str, limit: int) -> Fault:
    return forbidden("Creation not allowed because a quota has been reached")


def _denied(action: str) -> Fault:
    return forbidden(f"{action} attempt not allowed - please review your user/project privileges")


STYLE: Final = Style(
    missing=_missing,
    duplicate=_duplicate,
    over_quota=_over_quota,
    denied=_denied,
    stamp=stamp_plain,
    created_key="created",
    updated_key="updated",
    project_keys=(),
)


def checked(schema: str, values: JSON, fields: Mapping[str, Field]) -> None:
    """Drop unknown fields; refuse texts that are none, or too long."""
    for name in values.keys() - fields.keys():
        del values[name]
    for name, value in values.items():
        if name in _OTHERS or value is None:
            continue
        if not isinstance(value, str):
            raise invalid(schema, f"{value!r} is not of type 'string'", name)
        if len(value) > _LONGEST:
            raise invalid(schema, f"{value!r} is too long", name)
    if values["name"] is not None:
        values["name"] = values["name"].strip()


def checked_expiration(call: Call, schema: str, text: Any) -> str | None:
    """A moment in the future, in the form that is shown."""
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(str(text).strip().replace("Z", "+00:00"))
    except ValueError:
        raise invalid(schema, "Invalid date for 'expiration'", "expiration") from None
    at = moment.replace(tzinfo=moment.tzinfo or UTC).timestamp()
    if at <= call.world.clock():
        raise invalid(schema, "'expiration' is before current time", "expiration")
    return stamp_plain(at)


# --- URLs ---------------------------------------------------------------------------------------------


def refer(path: str, field: str) -> Callable[[Call, Entity], None]:
    """A hook that gives a new object its URL, which is its id for everybody."""

    def hook(call: Call, entity: Entity) -> None:
        call.store.update(entity, {field: f"{call.base}{path}/{entity.id}"})

    return hook


def last_part(ref: str) -> str:
    """The id at the end of a URL."""
    return ref.rstrip("/").rpartition("/")[2]


# --- routes -------------------------------------------------------------------------------------------


def routes(coll: Collection, status: int) -> tuple[Route, ...]:
    """Create and list, as Barbican does them; the rest is as everywhere."""
    return (
        Route("POST", coll.path, _creator(coll, status)),
        Route("GET", coll.path, _lister(coll)),
    )


def _creator(coll: Collection, status: int) -> Handler:
    def handle(call: Call) -> Reply:
        demand(call, coll.writer, f"{coll.label} creation", STYLE)
        body = call.json()
        if not isinstance(body, dict):
            raise invalid(coll.label, f"{body!r} is not of type 'object'", "None")
        ref = create(coll, STYLE, call, body).data[coll.id_field]
        return Reply(status, {coll.id_field: ref}, {"location": ref})

    return handle


def _lister(coll: Collection) -> Handler:
    def handle(call: Call) -> Reply:
        demand(call, "reader", f"{coll.label}(s) retrieval", STYLE)
        name = call.first("name")
        found = [each for each in visible(coll, STYLE, call) if name in ("", each.data.get("name"))]
        return Reply(200, _page(call, coll, found))

    return handle


def _number(call: Call, name: str, default: int) -> int:
    text = call.first(name)
    return int(text) if text.isdigit() else default


def _page(call: Call, coll: Collection, found: list[Entity]) -> JSON:
    offset, limit = _number(call, "offset", 0), min(_number(call, "limit", _PAGE), _MOST)
    shown = [show(coll, call, each) for each in found[offset : offset + limit]]
    answer: JSON = {coll.plural: shown, "total": len(found)}
    rest = [(key, value) for key, value in call.query if key not in ("offset", "limit")]
    if offset + limit < len(found):
        query = urlencode([("limit", str(limit)), ("offset", str(offset + limit)), *rest])
        answer["next"] = f"{call.base}{coll.path}?{query}"
    return answer
