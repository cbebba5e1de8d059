"""Blazar's conventions: errors, times, and the trusts by which it works."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from stackd.devcloud.collection import Style
from stackd.devcloud.keystone.delegation import remove_trust
from stackd.devcloud.keystone.kept_trusts import TRUSTS
from stackd.devcloud.rest import unauthorized
from stackd.devcloud.store import JSON, Entity
from stackd.devcloud.wire import Fault, Reply, bad_request, conflict, forbidden, not_found
from stackd.devcloud.world import World

USER: Final = "blazar"
"""The service's own user."""


def fault(error: Fault) -> Reply:
    """A fault as Blazar renders it."""
    if error.status == 401:
        return unauthorized()
    shown = {"error_code": error.status, "error_message": error.message, "error_name": error.status}
    return Reply(error.status, shown)


def _stamp(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%S")


def _missing(label: str, entity_id: str) -> Fault:
    return not_found(f"Object with {{'{label.lower()}_id': '{entity_id}'}} not found")


def _over_quota(plural: str, limit: int) -> Fault:
    return bad_request(f"No more than {limit} {plural} are allowed")


def _denied(action: str) -> Fault:
    return forbidden(f"Policy doesn't allow blazar:{action} to be performed")


STYLE: Final = Style(
    missing=_missing,
    duplicate=lambda label, value: conflict(f"The {label.lower()} with name: {value} already exists"),
    over_quota=_over_quota,
    denied=_denied,
    stamp=_stamp,
    created_key="created_at",
    updated_key="updated_at",
    updated_at_first=False,
    project_keys=("project_id",),
)


def missing_parameter(name: str) -> Fault:
    """The fault for something that the request lacks."""
    return bad_request(f"Missing parameter {name}")


def number(values: JSON, name: str) -> int:
    """A whole number in a request."""
    value = values.get(name)
    if value is None:
        raise missing_parameter(name)
    if not str(value).isdigit():
        raise bad_request(f"Malformed parameter {name}")
    return int(value)


def release_trust(world: World, entity: Entity) -> None:
    """Remove the trust of an object that is gone."""
    trust = world.store.get(TRUSTS, entity.data["trust_id"])
    if trust is not None:
        remove_trust(world, trust)
