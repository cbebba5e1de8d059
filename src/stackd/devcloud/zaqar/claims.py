"""Claims: messages that one client works on, which others do not see meanwhile."""

from __future__ import annotations

from typing import Final

from stackd.devcloud.store import Entity
from stackd.devcloud.wire import Call, Reply, Route, not_found
from stackd.devcloud.zaqar.messages import alive, is_claimed, view
from stackd.devcloud.zaqar.style import client_of, short_id


def _claim(call: Call) -> Reply:
    client_of(call)
    asked = call.json()
    ttl, limit = int(asked.get("ttl", 300)), int(call.first("limit", "10"))
    free = [each for each in alive(call) if not is_claimed(call, each)][:limit]
    if not free:
        return Reply(204)
    claim = short_id(call.world)
    for each in free:
        each.private |= {"claim": claim, "until": call.world.clock() + ttl}
    base = f"/v2/queues/{call.params['queue']}/claims/{claim}"
    return Reply(201, {"messages": [view(call, each) for each in free]}, {"location": base})


def _claimed(call: Call) -> list[Entity]:
    mine = [each for each in alive(call) if each.private.get("claim") == call.params["claim"]]
    found = [each for each in mine if is_claimed(call, each)]
    if not found:
        raise not_found(f"Claim {call.params['claim']} does not exist.", "Not Found")
    return found


def _show_claim(call: Call) -> Reply:
    client_of(call)
    found = _claimed(call)
    ttl = int(found[0].private["until"] - call.world.clock())
    return Reply(200, {"age": 0, "ttl": ttl, "messages": [view(call, each) for each in found]})


def _renew_claim(call: Call) -> Reply:
    client_of(call)
    until = call.world.clock() + int(call.json().get("ttl", 300))
    for each in _claimed(call):
        each.private["until"] = until
    return Reply(204)


def _release_claim(call: Call) -> Reply:
    client_of(call)
    for each in alive(call):
        if each.private.get("claim") == call.params["claim"]:
            each.private.pop("claim")
    return Reply(204)


_PATH: Final = "/queues/{queue}/claims"
ROUTES: Final = (
    Route("POST", _PATH, _claim),
    Route("GET", f"{_PATH}/{{claim}}", _show_claim),
    Route("PATCH", f"{_PATH}/{{claim}}", _renew_claim),
    Route("DELETE", f"{_PATH}/{{claim}}", _release_claim),
)
