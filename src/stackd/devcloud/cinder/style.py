"""Cinder's conventions: errors, ids, pages and times."""

from __future__ import annotations

from stackd.devcloud.collection import Style
from stackd.devcloud.rest import fault as nova_like
from stackd.devcloud.rest import next_link
from stackd.devcloud.wire import Fault, conflict, forbidden, not_found
from stackd.devcloud.world import stamp_micros

fault = nova_like("computeFault")
"""A fault as Cinder renders it."""

QUOTA_MESSAGES = {
    "volumes": "VolumeLimitExceeded: Maximum number of volumes allowed ({limit}) exceeded for quota",
    "snapshots": "SnapshotLimitExceeded: Maximum number of snapshots allowed ({limit}) exceeded",
    "backups": "BackupLimitExceeded: Maximum number of backups allowed ({limit}) exceeded",
}


def missing(label: str, entity_id: str) -> Fault:
    """The fault for a missing object."""
    return not_found(f"{label} {entity_id} could not be found.")


def _over_quota(plural: str, limit: int) -> Fault:
    text = QUOTA_MESSAGES.get(plural, "Quota exceeded for " + plural + ": allowed {limit}")
    return Fault(413, text.format(limit=limit), headers={"retry-after": "0"})


def _duplicate(label: str, value: str) -> Fault:
    return conflict(f"{label} {value} already exists.")


def denied(action: str) -> Fault:
    """The fault for an action that policy forbids."""
    return forbidden(f"Policy doesn't allow volume:{action} to be performed.")


STYLE = Style(
    missing=missing,
    duplicate=_duplicate,
    over_quota=_over_quota,
    denied=denied,
    stamp=stamp_micros,
    created_key="created_at",
    updated_key="updated_at",
    updated_at_first=False,
    create_status=202,
    delete_status=202,
    page_links=next_link,
    largest_limit=1000,
    newest_first=True,
    own_unless="all_tenants",
    project_keys=(),
)
