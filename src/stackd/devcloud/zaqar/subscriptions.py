"""Subscriptions: URLs to which each message of a queue is posted, some with a token by a trust."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final
from urllib.parse import urlsplit

import orjson

from stackd.devcloud.delivery import Delivery
from stackd.devcloud.store import JSON, Entity
from stackd.devcloud.trusted import make_trust, release_trust, trusted
from stackd.devcloud.wire import Call, Fault, Reply, Route, bad_request, not_found
from stackd.devcloud.world import World
from stackd.devcloud.zaqar.style import SUBSCRIPTIONS, client_of, ensured, key_of, short_id

_SCHEMES: Final = ("http", "https", "mailto", "trust+http", "trust+https")
_TRUST: Final = "trust+"
_FIELDS: Final = ("subscriber", "ttl", "options")
_SHORTEST: Final = 60
_PAGE: Final = 20
_MESSAGE: Final = '"$zaqar_message$"'
"""What the options write in place of the message, in the text that they post."""


def notify(world: World, queue: str, messages: Iterable[Entity]) -> None:
    """Send messages to all who subscribed to the queue."""
    for subscription in _lasting(world, queue):
        for message in messages:
            _send(world, subscription, message)


def _lasting(world: World, queue: str) -> Iterator[Entity]:
    """The subscriptions that have not expired."""
    for each in list(world.store.find(SUBSCRIPTIONS, queue=queue)):
        if each.created + each.data["ttl"] <= world.clock():
            end(world, each)
        else:
            yield each


def _send(world: World, subscription: Entity, message: Entity) -> None:
    url, options = subscription.data["subscriber"], subscription.data["options"]
    headers = {"content-type": "application/json"}
    if url.startswith(_TRUST):
        actor = trusted(world, options.get("trust_id"))
        if actor is None:
            return  # the trust is gone, or its user
        url, headers["x-auth-token"] = url.removeprefix(_TRUST), actor.token
    if not url.startswith(("http:", "https:")):
        return  # mail goes nowhere here
    headers |= {key.lower(): str(value) for key, value in (options.get("post_headers") or {}).items()}
    name = subscription.data["queue"].partition("/")[2]
    shown = {"body": message.data["body"], "ttl": message.data["ttl"]}
    shown |= {"queue_name": name, "Message_Type": "Notification"}
    text = orjson.dumps(shown)
    if "post_data" in options:
        text = str(options["post_data"]).replace(_MESSAGE, text.decode()).encode()
    world.outbox.append(Delivery(url, text, headers))


def end(world: World, subscription: Entity) -> None:
    """Remove a subscription, with the trust that was made for it."""
    release_trust(world, subscription.private.get("trust_id"))
    world.store.remove(subscription)


def _asked(call: Call) -> JSON:
    """The fields of a request; a fault if one cannot be."""
    asked = call.json()
    if not isinstance(asked, dict) or not asked:
        raise bad_request("No subscription to create.")
    subscriber, ttl, options = (asked.get(name) for name in _FIELDS)
    if subscriber is not None and urlsplit(str(subscriber)).scheme not in _SCHEMES:
        raise bad_request(
            f"The subscriber type of subscription must be supported in the list {list(_SCHEMES)}."
        )
    if options is not None and not isinstance(options, dict):
        raise bad_request("Options must be a dict.")
    if ttl is not None and (not isinstance(ttl, int) or ttl < _SHORTEST):
        raise bad_request(f"The TTL for a subscription must be at least {_SHORTEST} seconds long.")
    return {key: value for key, value in asked.items() if key in _FIELDS}


def _create(call: Call) -> Reply:
    client_of(call)
    asked = _asked(call)
    if "subscriber" not in asked:
        raise bad_request("Missing parameter subscriber in body.")
    data: JSON = {"queue": ensured(call).id, "ttl": 3600, "options": {}} | asked
    _refuse_twin(call, data["queue"], data["subscriber"], None)
    private: JSON = {}
    if data["subscriber"].startswith(_TRUST) and "trust_id" not in data["options"]:
        private["trust_id"] = _made_trust(call, data["ttl"])
        data["options"] = data["options"] | private
    entity = call.store.add(SUBSCRIPTIONS, short_id(call.world), call.actor.project_id, data, private)
    call.touched.append(entity)
    return Reply(201, {"subscription_id": entity.id}, {"location": call.path})


def _made_trust(call: Call, ttl: int) -> str:
    """A trust of the caller to the service; that Keystone refuses it is an error of the service, as ever."""
    try:
        return make_trust(call, "zaqar", call.world.clock() + ttl)
    except Fault as refusal:
        raise Fault(503, "Subscription could not be created.", "Service temporarily unavailable") from refusal


def _refuse_twin(call: Call, queue: str, subscriber: Any, but: Entity | None) -> None:
    twins = (each for each in _lasting(call.world, queue) if each.data["subscriber"] == subscriber)
    if any(each is not but for each in twins):
        raise Fault(
            409,
            "Such subscription already exists. Subscriptions are unique by project + queue + subscriber URI.",
            "Conflict",
        )


def _found(call: Call) -> Entity:
    wanted = call.params["subscription"]
    entity = next((each for each in _lasting(call.world, key_of(call)) if each.id == wanted), None)
    if entity is None:
        raise not_found(f"Subscription {wanted} does not exist.", "Not Found")
    return entity


def _view(call: Call, entity: Entity) -> JSON:
    fields = {name: entity.data[name] for name in _FIELDS}
    age = int(call.world.clock() - entity.created)
    return {**fields, "id": entity.id, "source": call.params["queue"], "age": age, "confirmed": True}


def _list(call: Call) -> Reply:
    client_of(call)
    limit, marker = int(call.first("limit", "10")), call.first("marker")
    if not 1 <= limit <= _PAGE:
        raise bad_request(f"Limit must be at least 1 and may not be greater than {_PAGE}.")
    every = list(_lasting(call.world, key_of(call)))
    place = next((at for at, each in enumerate(every) if each.id == marker), -1)
    page = every[place + 1 :][:limit]
    following = f"/v2{call.path}?marker={page[-1].id if page else marker}&limit={limit}"
    links = [{"rel": "next", "href": following}]
    return Reply(200, {"subscriptions": [_view(call, each) for each in page], "links": links})


def _show(call: Call) -> Reply:
    client_of(call)
    return Reply(200, _view(call, _found(call)))


def _change(call: Call) -> Reply:
    """Change what is given, as it is given: no trust is made, and other options take the place of all."""
    client_of(call)
    entity, asked = _found(call), _asked(call)
    if "subscriber" in asked:
        _refuse_twin(call, entity.data["queue"], asked["subscriber"], entity)
    call.store.update(entity, asked)
    return Reply(204)


def _delete(call: Call) -> Reply:
    """Remove a subscription. Idempotent."""
    client_of(call)
    entity = call.store.get(SUBSCRIPTIONS, call.params["subscription"])
    if entity is not None and entity.data["queue"] == key_of(call):
        end(call.world, entity)
    return Reply(204)


_PATH: Final = "/queues/{queue}/subscriptions"
_ONE: Final = f"{_PATH}/{{subscription}}"
ROUTES: Final = (
    Route("POST", _PATH, _create),
    Route("GET", _PATH, _list),
    Route("GET", _ONE, _show),
    Route("PATCH", _ONE, _change),
    Route("DELETE", _ONE, _delete),
)
