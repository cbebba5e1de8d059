"""Nova's conventions: errors, ids, pages and times."""

from __future__ import annotations

from stackd.devcloud.collection import Style
from stackd.devcloud.rest import fault as nova_like
from stackd.devcloud.rest import next_link
from stackd.devcloud.wire import Fault, conflict, forbidden, not_found

fault = nova_like("computeFault")
"""A fault as Nova renders it."""


def missing(label: str, entity_id: str) -> Fault:
    """The fault for a missing object."""
    return not_found(f"{label} {entity_id} could not be found.")


def quota_exceeded(resource: str, asked: int, used: int, limit: int) -> Fault:
    """The fault for an exceeded quota."""
    return forbidden(
        f"Quota exceeded for {resource}: Requested {asked}, but already used {used} of {limit} {resource}"
    )


def _over_quota(plural: str, limit: int) -> Fault:
    return quota_exceeded(plural, 1, limit, limit)


def _duplicate(label: str, value: str) -> Fault:
    return conflict(f"{label} with name {value} already exists.")


def denied(action: str) -> Fault:
    """The fault for an action that policy forbids."""
    return forbidden(f"Policy doesn't allow os_compute_api:{action} to be performed.")


STYLE = Style(
    missing=missing,
    duplicate=_duplicate,
    over_quota=_over_quota,
    denied=denied,
    created_key="created",
    updated_key="updated",
    create_status=202,
    page_links=next_link,
    largest_limit=1000,
    newest_first=True,
    own_unless="all_tenants",
    project_keys=("tenant_id",),
)
PLAIN = Style(
    missing=missing,
    duplicate=_duplicate,
    over_quota=_over_quota,
    denied=denied,
    create_status=200,
    page_links=next_link,
    largest_limit=1000,
    own_unless="all_projects",
    project_keys=(),
)
"""For everything but servers: no times, no states."""
