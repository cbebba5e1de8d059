"""What is done to instances: they are resized, restarted and given up."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from stackd.devcloud.collection import demand, fetch
from stackd.devcloud.store import JSON, Entity
from stackd.devcloud.trove.instances import INSTANCES, check_active, check_gigabytes
from stackd.devcloud.trove.style import STYLE, checked_flavor, checked_size
from stackd.devcloud.wire import Call, Reply, Route, bad_request


def _resize(call: Call, instance: Entity, asked: JSON) -> Reply:
    check_active(instance)
    if "volume" in asked:
        size, now = checked_size("resize", asked["volume"]), instance.data["volume"]["size"]
        if size <= now:
            raise bad_request(
                f"The new volume 'size' must be larger than the current volume size of '{now}'."
            )
        check_gigabytes(call, size - now)
        done: JSON = {"volume": {"size": size}}
    else:
        flavor = checked_flavor(call, asked.get("flavorRef"))
        if flavor == instance.data["flavor"]:
            raise bad_request(
                f"The new flavor id must be different than the current flavor id of '{flavor}'."
            )
        done = {"flavor": flavor}
    call.store.update(instance, {"status": "RESIZE"})
    call.store.later(instance, call.world.ready_after, done | {"status": "ACTIVE"})
    return Reply(202)


def _reset(call: Call, instance: Entity, asked: JSON) -> Reply:
    """Give an instance up; its owner may do so to delete it."""
    if "force_delete" not in asked:
        demand(call, "admin", "instance:reset_status", STYLE)
    instance.pending = None
    call.store.update(instance, {"status": "ERROR"})
    return Reply(202)


def _restart(call: Call, instance: Entity, asked: JSON) -> Reply:
    check_active(instance)
    call.store.update(instance, {"status": "REBOOT"})
    call.store.later(instance, call.world.ready_after, {"status": "ACTIVE"})
    return Reply(202)


_ACTIONS: Final[dict[str, Callable[[Call, Entity, JSON], Reply]]] = {
    "resize": _resize,
    "restart": _restart,
    "reset_status": _reset,
}


def _act(call: Call) -> Reply:
    demand(call, "member", "instance:action", STYLE)
    instance = fetch(INSTANCES, STYLE, call, call.params["id"])
    action, asked = next(iter(call.json().items()), ("", None))
    if action not in _ACTIONS:
        raise bad_request("Invalid request body.")
    return _ACTIONS[action](call, instance, asked or {})


ROUTES: Final = (Route("POST", "/instances/{id}/action", _act),)
