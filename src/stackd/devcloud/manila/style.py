"""Manila's conventions: errors, pages and times, much as Cinder has them."""

from __future__ import annotations

from typing import Any, Final

from stackd.devcloud.collection import Style
from stackd.devcloud.rest import fault as nova_like
from stackd.devcloud.rest import next_link
from stackd.devcloud.store import JSON
from stackd.devcloud.wire import Fault, bad_request, conflict, forbidden, not_found
from stackd.devcloud.world import stamp_micros

fault = nova_like("computeFault")
"""A fault as Manila renders it."""

_LONGEST: Final = 255
_EXCEEDED: Final = {
    "shares": "Maximum number of shares allowed ({limit}) either per project/user or share type quota is "
    "exceeded.",
    "share_networks": "Maximum number of share-networks allowed ({limit}) exceeded.",
}


def missing(label: str, entity_id: str) -> Fault:
    """The fault for a missing object."""
    return not_found(f"{label} {entity_id} could not be found.")


def over_quota(plural: str, limit: int) -> Fault:
    """The fault for one object too many."""
    text = _EXCEEDED.get(plural, f"Quota exceeded for {plural}.").format(limit=limit)
    return Fault(413, text, headers={"retry-after": "0"})


def _duplicate(label: str, value: str) -> Fault:
    return conflict(f"{label} {value} already exists.")


def _denied(action: str) -> Fault:
    return forbidden(f"Policy doesn't allow {action} to be performed.")


def invalid(reason: str) -> Fault:
    """The fault for a value that makes no sense."""
    return bad_request(f"Invalid input received: {reason}.")


def check_texts(values: JSON, *names: str) -> None:
    """The fields are short texts, if they have a value at all."""
    for name in names:
        value: Any = values.get(name)
        if value is not None and not isinstance(value, str):
            raise invalid(f"{name} is no text")
        if value is not None and len(value) > _LONGEST:
            raise invalid(f"{name} can only be {_LONGEST} characters long")


STYLE: Final = Style(
    missing=missing,
    duplicate=_duplicate,
    over_quota=over_quota,
    denied=_denied,
    stamp=stamp_micros,
    created_key="created_at",
    updated_key="updated_at",
    updated_at_first=False,
    create_status=200,
    delete_status=202,
    page_links=next_link,
    largest_limit=1000,
    newest_first=True,
    own_unless="all_tenants",
    project_keys=("project_id",),
)
