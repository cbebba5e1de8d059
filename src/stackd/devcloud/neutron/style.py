"""Neutron's conventions: errors, ids, pages and visibility."""

from __future__ import annotations

from dataclasses import replace

from stackd.devcloud.collection import Style, own
from stackd.devcloud.rest import next_link, unauthorized
from stackd.devcloud.store import Entity
from stackd.devcloud.wire import Call, Fault, Reply, conflict, forbidden, not_found


def fault(error: Fault) -> Reply:
    """A fault as Neutron renders it."""
    if error.status == 401:
        return unauthorized()
    kind = error.kind or {400: "BadRequest", 404: "HTTPNotFound", 409: "Conflict"}.get(
        error.status, "HTTPInternalServerError" if error.status >= 500 else "HTTPClientError"
    )
    return Reply(error.status, {"NeutronError": {"type": kind, "message": error.message, "detail": ""}})


def missing(label: str, entity_id: str) -> Fault:
    """The fault for a missing object."""
    return not_found(f"{label} {entity_id} could not be found.", label.replace(" ", "") + "NotFound")


def denied(action: str) -> Fault:
    """The fault for an action that policy forbids."""
    return forbidden(f"rule:{action} is disallowed by policy", "PolicyNotAuthorized")


def over_quota(plural: str, limit: int) -> Fault:
    """The fault for an exceeded quota."""
    return conflict(f"Quota exceeded for resources: ['{plural.rstrip('s')}'].", "OverQuota")


def _duplicate(label: str, value: str) -> Fault:
    return conflict(f"{label} {value} already exists.", "Conflict")


def invalid(message: str) -> Fault:
    """The fault for input that Neutron's validators refuse."""
    return Fault(400, f"Invalid input for operation: {message}.", "InvalidInput")


def own_or_shared(call: Call, entity: Entity) -> bool:
    """Whether the object is the caller's, shared with all, external, or shared by an RBAC policy."""
    if own(call, entity) or entity.data.get("shared") or entity.data.get("router:external"):
        return True
    for policy in call.store.find("network.rbac_policies", object_id=entity.id):
        if policy.data["target_tenant"] in ("*", call.actor.project_id):
            return True
    return False


STYLE = Style(
    missing=missing,
    duplicate=_duplicate,
    over_quota=over_quota,
    denied=denied,
    created_key="created_at",
    updated_key="updated_at",
    revision=True,
    page_links=next_link,
    strict=True,
)
PLAIN = replace(STYLE, created_key="", updated_key="", revision=False)
"""The conventions of plug-ins, whose objects have neither times nor revisions."""
