"""The actions of alarms: what URLs they may be, the trusts that some need, and what is sent."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

from stackd.devcloud.delivery import Delivery
from stackd.devcloud.store import JSON, Entity
from stackd.devcloud.trusted import release_trust, service_trust, trusted
from stackd.devcloud.wire import Call, Fault, bad_request
from stackd.devcloud.world import World
from stackd.devcloud.zaqar.messages import deliver

LISTS: Final = {
    "ok": "ok_actions", "alarm": "alarm_actions", "insufficient data": "insufficient_data_actions",
}  # fmt: skip
_TRUST: Final = "trust+"
_SCHEMES: Final = frozenset(
    ("http", "https", "log", "test", "zaqar", "trust+http", "trust+https", "trust+zaqar", "trust+heat")
)


def checked_actions(call: Call, given: Any) -> list[str]:
    """The actions of one list, each once; a fault if one cannot be."""
    if not isinstance(given, list):
        raise bad_request(f"Invalid input for field/attribute actions. Value: '{given}'. Expected a list.")
    actions = list(dict.fromkeys(str(each) for each in given))
    for action in actions:
        url = urlsplit(action)
        if url.scheme not in _SCHEMES:
            raise bad_request(f"Unsupported action {action}")
        if url.scheme in ("log", "test") and not call.actor.is_admin:
            raise Fault(401, f"You are not authorized to create action: {action}")
        if _needs_trust(action) and "@" in url.netloc:
            raise bad_request("trust URL cannot contain a trust ID.")
    return actions


def _needs_trust(action: str) -> bool:
    return action.startswith(_TRUST)


def _every(alarm: Mapping[str, Any]) -> Iterator[str]:
    return (action for name in LISTS.values() for action in alarm[name])


def with_trust(call: Call, alarm: Mapping[str, Any], private: JSON) -> None:
    """Make the trust that the actions need, unless there is one; remove one that none needs."""
    known = private.get("trust_id")
    needed = any(_needs_trust(action) for action in _every(alarm))
    if needed and not known:
        private["trust_id"] = service_trust(call, "aodh")
    elif known and not needed:
        release(call.world, private)


def release(world: World, private: JSON) -> None:
    """Remove the trust of an alarm. Idempotent."""
    release_trust(world, private.pop("trust_id", None))


def notify(world: World, alarm: Entity, previous: str, reason: str) -> None:
    """Call the actions of the alarm's state; those for queues are messages at once."""
    data = alarm.data
    body = {
        "alarm_name": data["name"], "alarm_id": alarm.id, "severity": data["severity"], "previous": previous,
        "current": data["state"], "reason": reason, "reason_data": {},
    }  # fmt: skip
    for action in data[LISTS[data["state"]]]:
        _call(world, alarm, action, body)


def _call(world: World, alarm: Entity, action: str, body: JSON) -> None:
    headers: dict[str, str] = {"x-openstack-request-id": f"req-{world.uuid()}"}
    actor = trusted(world, alarm.private.get("trust_id")) if _needs_trust(action) else None
    if _needs_trust(action) and actor is None:
        return  # the trust is gone, or its user
    url = action.removeprefix(_TRUST)
    if actor is not None:
        headers["x-auth-token"] = actor.token
    if url.startswith("zaqar:") and actor is not None:
        for name in parse_qs(urlsplit(url).query).get("queue_name", []):
            deliver(world, actor.project_id, name, body)
    elif url.startswith(("http:", "https:")):
        world.outbox.append(Delivery(url, body, headers))
