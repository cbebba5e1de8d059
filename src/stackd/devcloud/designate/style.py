"""Designate's conventions: errors, names with a final dot, pages, and statuses that take a while."""

from __future__ import annotations

import re
from typing import Any, Final

from stackd.devcloud.collection import Style
from stackd.devcloud.rest import unauthorized
from stackd.devcloud.store import JSON, Entity
from stackd.devcloud.wire import Call, Fault, Reply, bad_request, conflict, forbidden, not_found
from stackd.devcloud.world import stamp_micros

_INVALID: Final = "invalid_object"
_ZONE: Final = re.compile(r"(?!.{256})(?:(?!-)[A-Za-z0-9_-]{1,63}(?<!-)\.)+")
_HOST: Final = re.compile(r"(?!.{256})(?:\*\.)?(?:(?!-)[A-Za-z0-9_-]{1,63}(?<!-)\.)+")
_LARGEST: Final = 2**31 - 1
_LONGEST: Final = 160
_KINDS: Final = {400: "bad_request", 403: "forbidden", 404: "not_found", 405: "method_not_allowed"}


def fault(error: Fault) -> Reply:
    """A fault as Designate renders it."""
    if error.status == 401:
        return unauthorized()
    kind = error.kind if error.kind in _SPOKEN else _KINDS.get(error.status, error.kind or "unknown")
    return Reply(error.status, {"code": error.status, "type": kind, "message": error.message})


def invalid(message: str) -> Fault:
    """The fault for an object that does not match its schema."""
    return bad_request(message, _INVALID)


def _missing(label: str, entity_id: str) -> Fault:
    return not_found(f"Could not find {label}", f"{label.lower()}_not_found")


def _duplicate(label: str, value: str) -> Fault:
    return conflict(f"Duplicate {label}", f"duplicate_{label.lower()}")


def over_quota(plural: str, limit: int) -> Fault:
    """The fault for one object too many."""
    return Fault(413, f"Quota exceeded for {plural}.", "over_quota")


def _denied(action: str) -> Fault:
    return forbidden(f"{action} is disallowed by policy", "forbidden")


_SPOKEN: Final = frozenset(
    (
        *(_INVALID, "over_quota", "duplicate_zone", "duplicate_recordset", "zone_not_found"),
        *("recordset_not_found", "invalid_zone_name", "invalid_recordset_location", "zone_has_sub_zone"),
    )
)


def _page(call: Call, plural: str, items: list[JSON], following: str | None) -> JSON:
    links = {"self": f"{call.base}{call.path}"} | ({"next": following} if following else {})
    return {plural: items, "links": links, "metadata": {"total_count": len(items)}}


STYLE: Final = Style(
    missing=_missing,
    duplicate=_duplicate,
    over_quota=over_quota,
    denied=_denied,
    stamp=stamp_micros,
    created_key="created_at",
    updated_key="updated_at",
    updated_at_first=False,
    update_method="PATCH",
    create_status=202,
    page_links=_page,
    default_limit=20,
    largest_limit=1000,
    project_keys=("project_id",),
)


def refuse_unknown(values: JSON, known: Any, label: str) -> None:
    """Refuse fields that the object does not have."""
    if unknown := sorted(values.keys() - known):
        raise invalid(f"Keys {unknown} are not valid for {label}")


def check_email(email: str) -> None:
    """An address for mail, which records SOA write as a name."""
    if email.count("@") != 1:
        raise invalid(f"{email} is not an email")
    if not _ZONE.fullmatch(f"{email.replace('@', '.')}."):
        raise invalid(f"Email {email} is invalid")


def check_name(name: Any, *, wildcard: bool = False) -> None:
    """A complete name of a domain, with its final dot."""
    if not isinstance(name, str) or not name.endswith("."):
        raise invalid(f"'{name}' does not end with a dot")
    if (_HOST if wildcard else _ZONE).fullmatch(name) is None:
        raise invalid(f"'{name}' is invalid")


def check_common(values: JSON) -> None:
    """The fields that zones and recordsets have both."""
    if (ttl := values.get("ttl")) is not None and not (isinstance(ttl, int) and 0 <= ttl <= _LARGEST):
        raise invalid(f"{ttl!r} is no TTL")
    if len(values.get("description") or "") > _LONGEST:
        raise invalid("the description is too long")


def pend(call: Call, entity: Entity, action: str) -> None:
    """Let an action take its time; the object is gone after a deletion."""
    call.store.update(entity, {"status": "PENDING", "action": action})
    done = None if action == "DELETE" else {"status": "ACTIVE", "action": "NONE"}
    call.store.later(entity, call.world.ready_after, done)


def refuse_leaving(entity: Entity) -> None:
    """Refuse a change of, or in, a zone that is being deleted."""
    if entity.data["action"] == "DELETE":
        raise bad_request("Can not update a deleting zone")
