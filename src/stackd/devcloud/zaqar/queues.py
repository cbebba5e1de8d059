"""Queues: their metadata, how much is in them, and all of a project's."""

from __future__ import annotations

from typing import Any, Final

from stackd.devcloud.store import JSON, Entity
from stackd.devcloud.wire import Call, Fault, Reply, Route, bad_request, conflict, not_found
from stackd.devcloud.zaqar.messages import alive, is_claimed
from stackd.devcloud.zaqar.style import (
    MESSAGES,
    MOST,
    QUEUES,
    SUBSCRIPTIONS,
    client_of,
    ensured,
    key_of,
    queue_of,
)
from stackd.devcloud.zaqar.subscriptions import end

_PATCH: Final = "application/openstack-messaging-v2.0-json-patch"
_PAGE: Final = 20
_SETTINGS: Final[JSON] = {
    "_max_messages_post_size": MOST, "_default_message_ttl": 3600, "_default_message_delay": 0,
}  # fmt: skip


def _shown(entity: Entity | None) -> JSON:
    """The metadata of a queue; one that was never used has the service's settings only."""
    return _SETTINGS | (entity.data["metadata"] if entity is not None else {})


def _list(call: Call) -> Reply:
    client_of(call)
    limit, marker = int(call.first("limit", "10")), call.first("marker")
    if not 1 <= limit <= _PAGE:
        raise bad_request(f"Limit must be at least 1 and may not be greater than {_PAGE}.")
    mine = [each for each in call.store.all(QUEUES) if each.project_id == call.actor.project_id]
    mine.sort(key=lambda each: str(each.data["name"]))
    page = [each for each in mine if each.data["name"] > marker][:limit]
    shown: list[JSON] = []
    for entity in page:
        name = entity.data["name"]
        shown.append({"name": name, "href": f"/v2/queues/{name}"})
        if call.first("detailed") == "true":
            shown[-1]["metadata"] = _shown(entity)
    last = page[-1].data["name"] if page else marker
    following = f"/v2/queues?marker={last}&limit={limit}&detailed={call.first('detailed', 'false')}"
    return Reply(200, {"queues": shown, "links": [{"rel": "next", "href": following}] if page else []})


def _put(call: Call) -> Reply:
    """Make a queue; what is there already stays as it is."""
    client_of(call)
    metadata = _checked(call.json())
    if queue_of(call) is not None:
        return Reply(204, headers={"location": call.path})
    limit = call.world.quota(call.actor.project_id, "queues")
    mine = sum(each.project_id == call.actor.project_id for each in call.store.all(QUEUES))
    if 0 <= limit <= mine:
        raise Fault(403, "The project has as many queues as it may have.", "Forbidden")
    entity = ensured(call)
    call.store.update(entity, {"metadata": metadata})
    call.touched.append(entity)
    return Reply(201, headers={"location": call.path})


def _checked(metadata: Any) -> JSON:
    """Metadata, whose settings must be numbers; a fault if they are none."""
    if not isinstance(metadata, dict):
        raise bad_request("Document type not supported.")
    for name in _SETTINGS.keys() & metadata.keys():
        if not isinstance(metadata[name], int) or metadata[name] < 0:
            raise bad_request(f"{name} must be integer.")
    return dict(metadata)


def _show(call: Call) -> Reply:
    client_of(call)
    return Reply(200, _shown(queue_of(call)))


def _patch(call: Call) -> Reply:
    client_of(call)
    if call.headers.get("content-type") != _PATCH:
        raise Fault(415, f"Accepted media type for PATCH: {_PATCH}.", "Unsupported media type")
    entity = queue_of(call)
    if entity is None:
        raise not_found(f"Queue {call.params['queue']} does not exist.", "Not Found")
    changes = call.json()
    if not isinstance(changes, list):
        raise bad_request("Request body must be a JSON array of operation objects.")
    metadata = dict(entity.data["metadata"])
    for change in changes:
        _apply(metadata, change)
    call.store.update(entity, {"metadata": _checked(metadata)})
    return Reply(200, _shown(entity))


def _apply(metadata: JSON, change: Any) -> None:
    """One operation of a JSON patch; taking a setting away gives it its default."""
    root, _, name = str(change["path"]).lstrip("/").partition("/")
    if root != "metadata" or not name or change["op"] not in ("add", "replace", "remove"):
        raise bad_request(f"The operation {change['op']} of {change['path']} is not supported.")
    if change["op"] != "add" and name not in metadata and name not in _SETTINGS:
        raise conflict(f"Can't {change['op']} non-existent object {name}.", "Conflict")
    if change["op"] == "remove":
        metadata.pop(name, None)
    else:
        metadata[name] = change["value"]


def _delete(call: Call) -> Reply:
    """Remove a queue and all in it. Idempotent."""
    client_of(call)
    entity = queue_of(call)
    if entity is not None:
        for message in list(call.store.find(MESSAGES, queue=entity.id)):
            call.store.remove(message)
        for subscription in list(call.store.find(SUBSCRIPTIONS, queue=entity.id)):
            end(call.world, subscription)
        call.store.remove(entity)
    return Reply(204)


def _stats(call: Call) -> Reply:
    client_of(call)
    every = list(alive(call))
    claimed = sum(is_claimed(call, each) for each in every)
    return Reply(200, {"messages": {"free": len(every) - claimed, "claimed": claimed, "total": len(every)}})


def _purge(call: Call) -> Reply:
    client_of(call)
    for message in list(call.store.find(MESSAGES, queue=key_of(call))):
        call.store.remove(message)
    return Reply(204)


_PATH: Final = "/queues/{queue}"
ROUTES: Final = (
    Route("GET", "/queues", _list),
    Route("PUT", _PATH, _put),
    Route("GET", _PATH, _show),
    Route("PATCH", _PATH, _patch),
    Route("DELETE", _PATH, _delete),
    Route("GET", f"{_PATH}/stats", _stats),
    Route("POST", f"{_PATH}/purge", _purge),
)
