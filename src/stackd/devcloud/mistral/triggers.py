"""Cron triggers, which begin executions at given times, by a trust of who made them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final

from stackd.devcloud.mistral.cron import next_time
from stackd.devcloud.mistral.engine import start
from stackd.devcloud.mistral.executions import asked_of
from stackd.devcloud.mistral.style import TRIGGERS, WORKFLOWS, demand_writer, found, page, stamp, text_of
from stackd.devcloud.mistral.workflows import workflow
from stackd.devcloud.store import JSON, Entity
from stackd.devcloud.trusted import make_trust, release_trust, trusted
from stackd.devcloud.wire import Call, Fault, Reply, Route, bad_request, conflict
from stackd.devcloud.world import World

_MINUTE: Final = 60
_LABEL: Final = "CronTrigger"


def _create(call: Call) -> Reply:
    demand_writer(call, "cron_triggers:create")
    body = call.json()
    name, pattern, count = body.get("name"), body.get("pattern"), body.get("remaining_executions")
    if not name:
        raise bad_request("Name must be provided.")
    if any(each.project_id == call.actor.project_id for each in call.store.find(TRIGGERS, name=name)):
        raise conflict(f"Duplicate entry for CronTrigger ['name', 'project_id']: {name}")
    entity = workflow(call, str(body.get("workflow_id") or body.get("workflow_name") or ""))
    asked = asked_of(call, entity, body.get("workflow_input"), body.get("workflow_params"))
    first, then = _times(call, pattern, body.get("first_execution_time"), count)
    identity = call.world.uuid()
    data = {
        "id": identity, "name": name, "workflow_name": entity.data["name"], "workflow_id": entity.id,
        "workflow_input": text_of(asked["input"]), "workflow_params": text_of(asked["params"]),
        "scope": "private", "pattern": pattern, "remaining_executions": 1 if pattern is None else count,
        "first_execution_time": first, "next_execution_time": stamp(then), "updated_at": None,
        "created_at": stamp(call.world.clock()), "project_id": call.actor.project_id,
    }  # fmt: skip
    private = {"asked": asked, "trust_id": _made_trust(call), "next": then}
    trigger = call.store.add(TRIGGERS, identity, call.actor.project_id, data, private)
    call.touched.append(trigger)
    _await(call.world, trigger)
    return Reply(201, data)


def _times(call: Call, pattern: Any, first: Any, count: Any) -> tuple[str | None, float]:
    """The first time as it is shown, and when the trigger fires first; a fault for what cannot be."""
    if not (pattern or first):
        raise bad_request("Pattern or first_execution_time must be specified.")
    if count is not None and (not isinstance(count, int) or count < 1):
        raise bad_request(f"Invalid input for field/attribute remaining_executions. Value: '{count}'.")
    now = call.world.clock()
    if pattern:
        try:
            following = next_time(str(pattern), now)
        except (ValueError, KeyError):
            raise bad_request(f"The specified pattern is not valid: {pattern}") from None
        if not first:
            return None, following
    try:
        moment = datetime.strptime(str(first), "%Y-%m-%d %H:%M").replace(tzinfo=UTC).timestamp()
    except ValueError:
        raise bad_request(f"Invalid first_execution_time: {first}. It should be YYYY-MM-DD HH:MM.") from None
    if moment < now + _MINUTE:
        raise bad_request("first_execution_time must be at least 1 minute in the future.")
    if not pattern and (count or 1) > 1:
        raise bad_request("Pattern must be provided if count is superior to 1.")
    return stamp(moment), moment


def _made_trust(call: Call) -> str:
    """A trust of the caller to the service; that Keystone refuses it is an error of the service, as ever."""
    try:
        return make_trust(call, "mistral")
    except Fault as refusal:
        raise Fault(500, f"{refusal.message} (HTTP {refusal.status})") from refusal


def _await(world: World, trigger: Entity) -> None:
    delay = max(trigger.private["next"] - world.clock(), 0)
    world.store.later(trigger, delay, {}, lambda: _fire(world, trigger), wakes=True)


def _fire(world: World, trigger: Entity) -> None:
    """Begin an execution, and wait for the next time; the last one removes the trigger."""
    entity, asked = world.store.get(WORKFLOWS, trigger.data["workflow_id"]), trigger.private["asked"]
    if entity is not None and trusted(world, trigger.private["trust_id"]) is not None:
        described: JSON = {
            "description": text_of({"triggered_by": {"type": "cron_trigger", "id": trigger.id}})
        }
        start(world, entity, trigger.project_id, {**asked, **described})
    remaining = trigger.data["remaining_executions"]
    if remaining == 1:
        end(world, trigger)
        return
    trigger.private["next"] = next_time(trigger.data["pattern"], trigger.private["next"])
    changes = {"next_execution_time": stamp(trigger.private["next"])}
    world.store.update(trigger, changes | ({"remaining_executions": remaining - 1} if remaining else {}))
    _await(world, trigger)


def end(world: World, trigger: Entity) -> None:
    """Remove a trigger and its trust."""
    release_trust(world, trigger.private["trust_id"])
    world.store.remove(trigger)


def _list(call: Call) -> Reply:
    seen = [each for each in call.store.all(TRIGGERS) if each.project_id == call.actor.project_id]
    return page(call, "cron_triggers", seen, lambda each: each.data)


def _show(call: Call) -> Reply:
    return Reply(200, found(call, TRIGGERS, _LABEL, call.params["trigger"]).data)


def _delete(call: Call) -> Reply:
    demand_writer(call, "cron_triggers:delete")
    end(call.world, found(call, TRIGGERS, _LABEL, call.params["trigger"], writes=True))
    return Reply(204)


_ONE: Final = "/cron_triggers/{trigger}"
ROUTES: Final = (
    Route("POST", "/cron_triggers", _create),
    Route("GET", "/cron_triggers", _list),
    Route("GET", _ONE, _show),
    Route("DELETE", _ONE, _delete),
)
