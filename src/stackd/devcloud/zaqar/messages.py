"""Zaqar: queues of messages, claims on messages, and signed URLs for queues."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from stackd.devcloud.rest import unauthorized
from stackd.devcloud.service import Service
from stackd.devcloud.store import JSON, Entity
from stackd.devcloud.wire import Call, Fault, Handler, Reply, Route, bad_request, not_found
from stackd.devcloud.world import World

QUEUES = "messaging.queues"
MESSAGES = "messaging.messages"
SUBSCRIPTIONS = "messaging.subscriptions"

_TTL = (60, 1209600)
_PAGE = 20
_MOST = 262144
_SECRET = b"the dev cloud has no secrets"


def fault(error: Fault) -> Reply:
    """A fault as Zaqar renders it."""
    if error.status == 401:
        return unauthorized()
    return Reply(error.status, {"title": error.kind or "Invalid API request", "description": error.message})


def _client(call: Call) -> str:
    """The client's id: clients do not see their own messages unless they ask for them."""
    client = call.headers.get("client-id", "")
    if not client:
        raise bad_request("Missing parameter Client-ID in header.")
    return client


def _key(call: Call) -> str:
    return f"{call.actor.project_id}/{call.params['queue']}"


def _queue(call: Call) -> Entity | None:
    return call.store.get(QUEUES, _key(call))


def _made(call: Call, metadata: JSON | None = None) -> Entity:
    """The queue, created on first use."""
    found = _queue(call)
    if found is not None:
        return found
    name = call.params["queue"]
    data = {"name": name, "metadata": dict(metadata or {})}
    return call.store.add(QUEUES, _key(call), call.actor.project_id, data)


def _metadata(entity: Entity | None) -> JSON:
    defaults = {"_max_messages_post_size": _MOST, "_default_message_ttl": 3600, "_default_message_delay": 0}
    return defaults | (entity.data["metadata"] if entity is not None else {})


def deliver(world: World, project_id: str, name: str, body: Any) -> None:
    """Put a message of another service into a queue."""
    key = f"{project_id}/{name}"
    if world.store.get(QUEUES, key) is None:
        world.store.add(QUEUES, key, project_id, {"name": name, "metadata": {}})
    data = {"queue": key, "ttl": 3600, "body": body}
    world.store.add(MESSAGES, world.uuid().replace("-", "")[:24], project_id, data, {"client": ""})


# --- queues ----------------------------------------------------------------------------------------


def _list_queues(call: Call) -> Reply:
    _client(call)
    mine = [each for each in call.store.all(QUEUES) if each.project_id == call.actor.project_id]
    shown: list[JSON] = []
    for entity in sorted(mine, key=lambda each: str(each.data["name"])):
        href = f"/v2/queues/{entity.data['name']}"
        shown.append({"name": entity.data["name"], "href": href})
        if call.first("detailed") == "true":
            shown[-1]["metadata"] = _metadata(entity)
    return Reply(200, {"queues": shown, "links": [{"rel": "next", "href": "/v2/queues?marker="}]})


def _put_queue(call: Call) -> Reply:
    _client(call)
    is_new = _queue(call) is None
    entity = _made(call)
    call.store.update(entity, {"metadata": dict(call.json())})
    call.touched.append(entity)
    return Reply(201 if is_new else 204, headers={"location": f"/v2/queues/{entity.data['name']}"})


def _show_queue(call: Call) -> Reply:
    _client(call)
    return Reply(200, _metadata(_queue(call)))


def _patch_queue(call: Call) -> Reply:
    _client(call)
    entity = _queue(call)
    if entity is None:
        raise not_found(f"Queue {call.params['queue']} does not exist.", "Not Found")
    metadata = dict(entity.data["metadata"])
    for change in call.json():
        name = str(change["path"]).removeprefix("/metadata/")
        if change["op"] == "remove":
            metadata.pop(name, None)
        else:
            metadata[name] = change["value"]
    call.store.update(entity, {"metadata": metadata})
    return Reply(200, _metadata(entity))


def _delete_queue(call: Call) -> Reply:
    _client(call)
    entity = _queue(call)
    if entity is not None:
        for message in list(call.store.find(MESSAGES, queue=entity.id)):
            call.store.remove(message)
        call.store.remove(entity)
    return Reply(204)


def _stats(call: Call) -> Reply:
    _client(call)
    every = list(_alive(call))
    claimed = sum(_is_claimed(call, each) for each in every)
    return Reply(200, {"messages": {"free": len(every) - claimed, "claimed": claimed, "total": len(every)}})


def _purge(call: Call) -> Reply:
    _client(call)
    for message in list(call.store.find(MESSAGES, queue=_key(call))):
        call.store.remove(message)
    return Reply(204)


def _share(call: Call) -> Reply:
    """The values of a URL that lets its holder use the queue for a while."""
    _client(call)
    asked = call.json()
    methods = sorted(asked.get("methods") or ["GET"])
    paths = [f"/v2/queues/{call.params['queue']}/{path}" for path in asked.get("paths") or ["messages"]]
    expires = asked.get("expires") or datetime.fromtimestamp(call.world.clock() + 86400, UTC).strftime(
        "%Y-%m-%dT%H:%M:%S"
    )
    text = "\n".join([",".join(paths), ",".join(methods), call.actor.project_id, str(expires)])
    signature = hmac.new(_SECRET, text.encode(), hashlib.sha256).hexdigest()
    return Reply(
        200,
        {
            "project": call.actor.project_id,
            "paths": paths,
            "methods": methods,
            "expires": expires,
            "signature": signature,
        },
    )


# --- messages --------------------------------------------------------------------------------------


def _alive(call: Call) -> Iterator[Entity]:
    """The messages of the queue that have not expired, oldest first."""
    now = call.world.clock()
    for entity in list(call.store.find(MESSAGES, queue=_key(call))):
        if entity.created + entity.data["ttl"] <= now:
            call.store.remove(entity)
        else:
            yield entity


def _is_claimed(call: Call, entity: Entity) -> bool:
    return bool(entity.private.get("claim")) and entity.private["until"] > call.world.clock()


def _view(call: Call, entity: Entity) -> JSON:
    href = f"/v2/queues/{call.params['queue']}/messages/{entity.id}"
    if _is_claimed(call, entity):
        href += f"?claim_id={entity.private['claim']}"
    age = int(call.world.clock() - entity.created)
    data = entity.data
    return {"id": entity.id, "href": href, "ttl": data["ttl"], "age": age, "body": data["body"]}


def _post_messages(call: Call) -> Reply:
    client = _client(call)
    given = call.json().get("messages")
    if not isinstance(given, list) or not given:
        raise bad_request("No messages were found in the request body.")
    if len(call.body) > _MOST:
        raise bad_request(f"Message collection size is too large. Max size {_MOST}")
    queue = _made(call)
    for each in given:
        _checked(each)
    made = [_add_message(call, queue, client, each) for each in given]
    base = f"/v2/queues/{call.params['queue']}/messages"
    return Reply(201, {"resources": [f"{base}/{entity.id}" for entity in made]})


def _checked(message: Any) -> None:
    low, high = _TTL
    if not isinstance(message, dict) or "body" not in message:
        raise bad_request("Missing body field in message.")
    ttl = message.get("ttl", 3600)
    if not isinstance(ttl, int) or not low <= ttl <= high:
        raise bad_request(f"The TTL for a message may not exceed {high} seconds, and must be at least {low}.")


def _add_message(call: Call, queue: Entity, client: str, message: JSON) -> Entity:
    data = {"queue": queue.id, "ttl": message.get("ttl", 3600), "body": message["body"]}
    entity_id = call.world.uuid().replace("-", "")[:24]
    return call.store.add(MESSAGES, entity_id, call.actor.project_id, data, {"client": client})


def _list_messages(call: Call) -> Reply:
    client = _client(call)
    echo = call.first("echo", "false").lower() == "true"
    with_claimed = call.first("include_claimed", "false").lower() == "true"
    limit, marker = int(call.first("limit", "10")), call.first("marker")
    if not 1 <= limit <= _PAGE:
        raise bad_request(f"Limit must be at least 1 and may not be greater than {_PAGE}.")
    every = list(_alive(call))
    if marker:
        place = next((at for at, each in enumerate(every) if each.id == marker), -1)
        every = every[place + 1 :]
    shown = [
        each
        for each in every
        if (echo or each.private["client"] != client) and (with_claimed or not _is_claimed(call, each))
    ][:limit]
    following = f"/v2/queues/{call.params['queue']}/messages?marker={shown[-1].id if shown else marker}"
    links = [{"rel": "next", "href": following}]
    return Reply(200, {"messages": [_view(call, each) for each in shown], "links": links})


def _message(call: Call) -> Entity:
    found = next((each for each in _alive(call) if each.id == call.params["message"]), None)
    if found is None:
        raise not_found(f"Message {call.params['message']} does not exist.", "Not Found")
    return found


def _show_message(call: Call) -> Reply:
    _client(call)
    return Reply(200, _view(call, _message(call)))


def _delete_message(call: Call) -> Reply:
    _client(call)
    found = next((each for each in _alive(call) if each.id == call.params["message"]), None)
    if found is not None:
        if _is_claimed(call, found) and call.first("claim_id") != found.private["claim"]:
            raise Fault(403, "A claim was specified, but the message is not currently claimed.", "Forbidden")
        call.store.remove(found)
    return Reply(204)


def _delete_messages(call: Call) -> Reply:
    """Delete messages by id, or pop the oldest ones."""
    _client(call)
    if call.first("pop"):
        free = [each for each in _alive(call) if not _is_claimed(call, each)][: int(call.first("pop"))]
        shown = [_view(call, each) for each in free]
        for each in free:
            call.store.remove(each)
        return Reply(200, {"messages": shown})
    wanted = set(call.first("ids").split(","))
    for each in [each for each in _alive(call) if each.id in wanted]:
        call.store.remove(each)
    return Reply(204)


# --- claims ----------------------------------------------------------------------------------------


def _claim(call: Call) -> Reply:
    _client(call)
    asked = call.json()
    ttl, limit = int(asked.get("ttl", 300)), int(call.first("limit", "10"))
    free = [each for each in _alive(call) if not _is_claimed(call, each)][:limit]
    if not free:
        return Reply(204)
    claim = call.world.uuid().replace("-", "")[:24]
    for each in free:
        each.private |= {"claim": claim, "until": call.world.clock() + ttl}
    base = f"/v2/queues/{call.params['queue']}/claims/{claim}"
    return Reply(201, {"messages": [_view(call, each) for each in free]}, {"location": base})


def _claimed(call: Call) -> list[Entity]:
    mine = [each for each in _alive(call) if each.private.get("claim") == call.params["claim"]]
    found = [each for each in mine if _is_claimed(call, each)]
    if not found:
        raise not_found(f"Claim {call.params['claim']} does not exist.", "Not Found")
    return found


def _show_claim(call: Call) -> Reply:
    _client(call)
    found = _claimed(call)
    ttl = int(found[0].private["until"] - call.world.clock())
    return Reply(200, {"age": 0, "ttl": ttl, "messages": [_view(call, each) for each in found]})


def _renew_claim(call: Call) -> Reply:
    _client(call)
    until = call.world.clock() + int(call.json().get("ttl", 300))
    for each in _claimed(call):
        each.private["until"] = until
    return Reply(204)


def _release_claim(call: Call) -> Reply:
    _client(call)
    for each in _alive(call):
        if each.private.get("claim") == call.params["claim"]:
            each.private.pop("claim")
    return Reply(204)


# --- subscriptions ---------------------------------------------------------------------------------


def _subscribe(call: Call) -> Reply:
    _client(call)
    asked = call.json()
    queue = _made(call)
    known = call.store.first(SUBSCRIPTIONS, queue=queue.id, subscriber=asked.get("subscriber"))
    if known is not None:
        raise Fault(409, "Such subscription already exists.", "Conflict")
    data = {
        "queue": queue.id,
        "subscriber": asked.get("subscriber"),
        "ttl": asked.get("ttl", 3600),
        "options": asked.get("options") or {},
    }
    entity_id = call.world.uuid().replace("-", "")[:24]
    entity = call.store.add(SUBSCRIPTIONS, entity_id, call.actor.project_id, data)
    return Reply(201, {"subscription_id": entity.id})


def _subscription(call: Call) -> Entity:
    entity = call.store.get(SUBSCRIPTIONS, call.params["subscription"])
    if entity is None or entity.data["queue"] != _key(call):
        raise not_found(f"Subscription {call.params['subscription']} does not exist.", "Not Found")
    return entity


def _seen(call: Call, entity: Entity) -> JSON:
    age = int(call.world.clock() - entity.created)
    return entity.data | {"id": entity.id, "source": call.params["queue"], "age": age}


def _list_subscriptions(call: Call) -> Reply:
    _client(call)
    found = [_seen(call, each) for each in call.store.find(SUBSCRIPTIONS, queue=_key(call))]
    return Reply(200, {"subscriptions": found, "links": []})


def _show_subscription(call: Call) -> Reply:
    _client(call)
    return Reply(200, _seen(call, _subscription(call)))


def _change_subscription(call: Call) -> Reply:
    _client(call)
    wanted = {key: value for key, value in call.json().items() if key in ("subscriber", "ttl", "options")}
    call.store.update(_subscription(call), wanted)
    return Reply(204)


def _unsubscribe(call: Call) -> Reply:
    _client(call)
    entity = call.store.get(SUBSCRIPTIONS, call.params["subscription"])
    if entity is not None:
        call.store.remove(entity)
    return Reply(204)


def _ping(call: Call) -> Reply:
    return Reply(204)


_Q, _M, _C = "/queues/{queue}", "/queues/{queue}/messages", "/queues/{queue}/claims"
_S = "/queues/{queue}/subscriptions"
_ROUTES: tuple[tuple[str, str, Handler], ...] = (
    ("GET", "/ping", _ping),
    ("GET", "/queues", _list_queues),
    ("PUT", _Q, _put_queue),
    ("GET", _Q, _show_queue),
    ("PATCH", _Q, _patch_queue),
    ("DELETE", _Q, _delete_queue),
    ("GET", f"{_Q}/stats", _stats),
    ("POST", f"{_Q}/purge", _purge),
    ("POST", f"{_Q}/share", _share),
    ("POST", _M, _post_messages),
    ("GET", _M, _list_messages),
    ("DELETE", _M, _delete_messages),
    ("GET", f"{_M}/{{message}}", _show_message),
    ("DELETE", f"{_M}/{{message}}", _delete_message),
    ("POST", _C, _claim),
    ("GET", f"{_C}/{{claim}}", _show_claim),
    ("PATCH", f"{_C}/{{claim}}", _renew_claim),
    ("DELETE", f"{_C}/{{claim}}", _release_claim),
    ("POST", _S, _subscribe),
    ("GET", _S, _list_subscriptions),
    ("GET", f"{_S}/{{subscription}}", _show_subscription),
    ("PATCH", f"{_S}/{{subscription}}", _change_subscription),
    ("DELETE", f"{_S}/{{subscription}}", _unsubscribe),
)

ZAQAR = Service(
    name="zaqar",
    prefix="messaging",
    api="/v2",
    catalog=(("messaging", "zaqar", ""),),
    fault=fault,
    routes=tuple(Route(*route) for route in _ROUTES),
    kinds={QUEUES: (), MESSAGES: ("queue",), SUBSCRIPTIONS: ("queue",)},
)
