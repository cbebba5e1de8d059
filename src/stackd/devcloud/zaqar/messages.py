"""Messages: they wait for everybody but their author, expire, and go to those who subscribed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from stackd.devcloud.store import JSON, Entity
from stackd.devcloud.wire import Call, Fault, Reply, Route, bad_request, not_found
from stackd.devcloud.world import World
from stackd.devcloud.zaqar.style import MESSAGES, MOST, QUEUES, client_of, ensured, key_of, short_id
from stackd.devcloud.zaqar.subscriptions import notify

_TTL: Final = (60, 1209600)
_PAGE: Final = 20


def deliver(world: World, project_id: str, name: str, body: Any) -> None:
    """Put a message of another service into a queue."""
    key = f"{project_id}/{name}"
    if world.store.get(QUEUES, key) is None:
        world.store.add(QUEUES, key, project_id, {"name": name, "metadata": {}})
    data = {"queue": key, "ttl": 3600, "body": body}
    message = world.store.add(MESSAGES, short_id(world), project_id, data, {"client": ""})
    notify(world, key, [message])


def alive(call: Call) -> Iterator[Entity]:
    """The messages of the queue that have not expired, oldest first."""
    now = call.world.clock()
    for entity in list(call.store.find(MESSAGES, queue=key_of(call))):
        if entity.created + entity.data["ttl"] <= now:
            call.store.remove(entity)
        else:
            yield entity


def is_claimed(call: Call, entity: Entity) -> bool:
    """Whether somebody works on a message."""
    return bool(entity.private.get("claim")) and entity.private["until"] > call.world.clock()


def view(call: Call, entity: Entity) -> JSON:
    """A message as the API shows it."""
    href = f"/v2/queues/{call.params['queue']}/messages/{entity.id}"
    if is_claimed(call, entity):
        href += f"?claim_id={entity.private['claim']}"
    age = int(call.world.clock() - entity.created)
    data = entity.data
    return {"id": entity.id, "href": href, "ttl": data["ttl"], "age": age, "body": data["body"]}


def _post_messages(call: Call) -> Reply:
    client = client_of(call)
    given = call.json().get("messages")
    if not isinstance(given, list) or not given:
        raise bad_request("No messages were found in the request body.")
    if len(call.body) > MOST:
        raise bad_request(f"Message collection size is too large. Max size {MOST}")
    queue = ensured(call)
    for each in given:
        _checked(each)
    made = [_add_message(call, queue, client, each) for each in given]
    notify(call.world, queue.id, made)
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
    return call.store.add(MESSAGES, short_id(call.world), call.actor.project_id, data, {"client": client})


def _list_messages(call: Call) -> Reply:
    client = client_of(call)
    echo = call.first("echo", "false").lower() == "true"
    with_claimed = call.first("include_claimed", "false").lower() == "true"
    limit, marker = int(call.first("limit", "10")), call.first("marker")
    if not 1 <= limit <= _PAGE:
        raise bad_request(f"Limit must be at least 1 and may not be greater than {_PAGE}.")
    every = list(alive(call))
    if marker:
        place = next((at for at, each in enumerate(every) if each.id == marker), -1)
        every = every[place + 1 :]
    shown = [
        each
        for each in every
        if (echo or each.private["client"] != client) and (with_claimed or not is_claimed(call, each))
    ][:limit]
    following = f"/v2/queues/{call.params['queue']}/messages?marker={shown[-1].id if shown else marker}"
    links = [{"rel": "next", "href": following}]
    return Reply(200, {"messages": [view(call, each) for each in shown], "links": links})


def _message(call: Call) -> Entity:
    found = next((each for each in alive(call) if each.id == call.params["message"]), None)
    if found is None:
        raise not_found(f"Message {call.params['message']} does not exist.", "Not Found")
    return found


def _show_message(call: Call) -> Reply:
    client_of(call)
    return Reply(200, view(call, _message(call)))


def _delete_message(call: Call) -> Reply:
    client_of(call)
    found = next((each for each in alive(call) if each.id == call.params["message"]), None)
    if found is not None:
        if is_claimed(call, found) and call.first("claim_id") != found.private["claim"]:
            raise Fault(403, "A claim was specified, but the message is not currently claimed.", "Forbidden")
        call.store.remove(found)
    return Reply(204)


def _delete_messages(call: Call) -> Reply:
    """Delete messages by id, or pop the oldest ones."""
    client_of(call)
    if call.first("pop"):
        free = [each for each in alive(call) if not is_claimed(call, each)][: int(call.first("pop"))]
        shown = [view(call, each) for each in free]
        for each in free:
            call.store.remove(each)
        return Reply(200, {"messages": shown})
    wanted = set(call.first("ids").split(","))
    for each in [each for each in alive(call) if each.id in wanted]:
        call.store.remove(each)
    return Reply(204)


_PATH: Final = "/queues/{queue}/messages"
ROUTES: Final = (
    Route("POST", _PATH, _post_messages),
    Route("GET", _PATH, _list_messages),
    Route("DELETE", _PATH, _delete_messages),
    Route("GET", f"{_PATH}/{{message}}", _show_message),
    Route("DELETE", f"{_PATH}/{{message}}", _delete_message),
)
