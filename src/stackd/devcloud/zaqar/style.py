"""Zaqar's conventions: errors, clients, and queues that are made when they are first used."""

from __future__ import annotations

import re
from typing import Final

from stackd.devcloud.rest import unauthorized
from stackd.devcloud.store import Entity
from stackd.devcloud.wire import Call, Fault, Reply, bad_request
from stackd.devcloud.world import World

QUEUES: Final = "messaging.queues"
MESSAGES: Final = "messaging.messages"
SUBSCRIPTIONS: Final = "messaging.subscriptions"

MOST: Final = 262144
_NAME: Final = re.compile(r"[A-Za-z0-9_.\-]{1,64}")


def fault(error: Fault) -> Reply:
    """A fault as Zaqar renders it."""
    if error.status == 401:
        return unauthorized()
    return Reply(error.status, {"title": error.kind or "Invalid API request", "description": error.message})


def client_of(call: Call) -> str:
    """The client's id: clients do not see their own messages unless they ask for them."""
    client = call.headers.get("client-id", "")
    if not client:
        raise bad_request("Missing parameter Client-ID in header.")
    return client


def key_of(call: Call) -> str:
    """What the queue of a call is stored under."""
    name = call.params["queue"]
    if not _NAME.fullmatch(name):
        raise bad_request(
            "Queue names may only contain ASCII letters, digits, underscores, and dashes, and 64 characters."
        )
    return f"{call.actor.project_id}/{name}"


def queue_of(call: Call) -> Entity | None:
    """The queue of a call, if it was used before."""
    return call.store.get(QUEUES, key_of(call))


def ensured(call: Call) -> Entity:
    """The queue, created on first use."""
    found = queue_of(call)
    if found is not None:
        return found
    data = {"name": call.params["queue"], "metadata": {}}
    return call.store.add(QUEUES, key_of(call), call.actor.project_id, data)


def short_id(world: World) -> str:
    """A new id as those of messages, claims and subscriptions."""
    return world.uuid().replace("-", "")[:24]
