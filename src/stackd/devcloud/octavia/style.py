"""Octavia's conventions: errors, pages and times."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from stackd.devcloud.collection import Style
from stackd.devcloud.rest import next_link, unauthorized
from stackd.devcloud.wire import Fault, Reply, conflict, forbidden, not_found
from stackd.devcloud.world import stamp_plain

PROVIDER: Final = "amphora"
"""The only provider."""


def fault(error: Fault) -> Reply:
    """A fault as Octavia renders it."""
    if error.status == 401:
        return unauthorized()
    side = "Client" if error.status < 500 else "Server"
    return Reply(error.status, {"faultcode": side, "faultstring": error.message, "debuginfo": None})


def invalid(message: str) -> Fault:
    """The fault for a request that makes no sense."""
    return Fault(400, f"Validation failure: {message}")


def missing(label: str, entity_id: str) -> Fault:
    """The fault for a missing object."""
    return not_found(f"{label} {entity_id} not found.")


def _duplicate(label: str, value: str) -> Fault:
    return conflict(f"A {label.lower()} of {value} already exists.")


def _over_quota(plural: str, limit: int) -> Fault:
    return forbidden(f"Quota has been met for resources: {plural}")


def _denied(action: str) -> Fault:
    return forbidden("Policy does not allow this request to be performed.")


STYLE = Style(
    missing=missing,
    duplicate=_duplicate,
    over_quota=_over_quota,
    denied=_denied,
    stamp=stamp_plain,
    created_key="created_at",
    updated_key="updated_at",
    updated_at_first=False,
    page_links=next_link,
    strict=True,
)
OPERATED = replace(STYLE, created_key="", updated_key="")
"""Objects of the operator have no times."""
