"""Keystone's conventions: errors, links, ids and pages."""

from __future__ import annotations

from http import HTTPStatus

from stackd.devcloud.collection import Style, View
from stackd.devcloud.store import JSON, Entity
from stackd.devcloud.wire import Call, Fault, Reply, conflict, forbidden, not_found
from stackd.devcloud.world import World


def fault(error: Fault) -> Reply:
    """A fault as Keystone renders it."""
    title = HTTPStatus(error.status).phrase
    return Reply(error.status, {"error": {"code": error.status, "message": error.message, "title": title}})


def missing(label: str, entity_id: str) -> Fault:
    """The fault for a missing object."""
    return not_found(f"Could not find {label}: {entity_id}.")


def denied(action: str) -> Fault:
    """The fault for an action that policy forbids."""
    return forbidden(f"You are not authorized to perform the requested action: identity:{action}.")


def with_links(call: Call, path: str, data: JSON) -> JSON:
    """An object with the link to itself."""
    return data | {"links": {"self": f"{call.base}{path}"}}


def _page(call: Call, plural: str, items: list[JSON], following: str | None) -> JSON:
    query = "&".join(f"{key}={value}" if value else key for key, value in call.query)
    self_url = f"{call.base}{call.path}" + (f"?{query}" if query else "")
    return {plural: items, "links": {"next": following, "self": self_url, "previous": None}}


def _duplicate(label: str, value: str) -> Fault:
    return conflict(
        f"Conflict occurred attempting to store {label} - Duplicate entry found with name {value}."
    )


def _over_quota(plural: str, limit: int) -> Fault:
    return forbidden(f"Unable to create additional {plural}: the limit of {limit} is reached.")


STYLE = Style(
    missing=missing,
    duplicate=_duplicate,
    over_quota=_over_quota,
    denied=denied,
    new_id=World.hex_id,
    update_method="PATCH",
    refuses_hidden=True,
    page_links=_page,
    project_keys=(),
)


def self_linked(path: str) -> View:
    """A view that adds the link to an object below `path`."""

    def view(call: Call, entity: Entity) -> JSON:
        return with_links(call, f"{path}/{entity.id}", entity.data)

    return view
