"""Alarms: their definitions and states.

There are no metrics that they could be evaluated on: the state of an alarm is what it is set to, and setting
it stands for an evaluation with that result. Actions are called when the state changes by it, and, where the
alarm repeats them, also when it stays.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, Final

import orjson

from stackd.devcloud.aodh.actions import LISTS, checked_actions, notify, release, with_trust
from stackd.devcloud.aodh.rules import RULES, checked_rule, invalid
from stackd.devcloud.listing import same
from stackd.devcloud.store import JSON, Entity
from stackd.devcloud.wire import Call, Fault, Reply, Route, bad_request, not_found

ALARMS: Final = "alarming.alarms"
STATES: Final = tuple(LISTS)
_UNKNOWN: Final = "insufficient data"
_BY_HAND: Final = "Manually set via API"
_SEVERITIES: Final = ("critical", "low", "moderate")
_GIVEN: Final[JSON] = {
    "name": None, "description": "", "enabled": True, "ok_actions": [], "alarm_actions": [],
    "insufficient_data_actions": [], "repeat_actions": False, "type": None, "time_constraints": [],
    "severity": "low", "state": _UNKNOWN,
}  # fmt: skip
_RULES: Final = tuple(f"{kind}_rule" for kind in RULES)
_OWN: Final = (
    *("alarm_id", "project_id", "user_id", "timestamp", "state_timestamp", "state_reason"),
    "evaluate_timestamp",
)
_FILTERS: Final = frozenset(
    (
        *("all_projects", "user_id", "project_id", "type", "name", "enabled", "state", "severity"),
        *("timestamp", "repeat_actions"),
    )
)


# --- definitions --------------------------------------------------------------------------------------


def _definition(call: Call) -> JSON:
    """The complete alarm of a request; raises a fault if it is not valid."""
    body = call.json()
    if not isinstance(body, dict):
        raise Fault(500, "The alarm is not an object.")
    if unknown := sorted(body.keys() - _GIVEN.keys() - frozenset((*_OWN, *_RULES))):
        raise bad_request(f"Unknown attribute for argument data: {', '.join(unknown)}")
    for name in ("name", "type"):
        if name not in body:
            raise invalid(name, None, "Mandatory field missing.")
    given = {name: body.get(name, default) for name, default in _GIVEN.items()}
    _check_values(call, given)
    kind = str(given["type"])
    given["description"] = given["description"] or f"{kind} alarm rule"
    return given | {f"{kind}_rule": checked_rule(call, kind, _only_rule(body, kind))}


def _only_rule(body: JSON, kind: str) -> Any:
    """The rule of the alarm's type, which has to be the only one."""
    if body.get(f"{kind}_rule") is None:
        raise bad_request(f"{kind}_rule must be set for {kind} type alarm")
    both = [name for name in _RULES if body.get(name)]
    if len(both) > 1:
        raise bad_request(f"{both[0]} and {both[1]} cannot be set at the same time")
    return body[f"{kind}_rule"]


def _check_values(call: Call, given: JSON) -> None:
    for name, allowed in (("type", tuple(RULES)), ("severity", _SEVERITIES), ("state", STATES)):
        if given[name] not in allowed:
            raise invalid(name, given[name], f"Value should be one of: {', '.join(sorted(allowed))}")
    for name in LISTS.values():
        given[name] = checked_actions(call, given[name])
    given["time_constraints"] = [_time_constraint(each) for each in given["time_constraints"] or []]
    names = [each["name"] for each in given["time_constraints"]]
    if len(names) > len(set(names)):
        raise bad_request("Time constraint names must be unique for a given alarm.")


def _time_constraint(given: JSON) -> JSON:
    for name in ("name", "start", "duration"):
        if given.get(name) is None:
            raise invalid(name, None, "Mandatory field missing.")
    if len(str(given["start"]).split()) not in (5, 6, 7):
        raise invalid("start", given["start"], "Exactly 5, 6 or 7 columns has to be specified.")
    defaults = {"description": f"Time constraint at {given['start']}", "timezone": ""}
    return defaults | {name: value for name, value in given.items() if value}


def _view(alarm: Entity) -> JSON:
    """An alarm as the API shows it: URLs that need a trust come back without the slashes of an empty host."""
    lists = {name: [_url(action) for action in alarm.data[name]] for name in LISTS.values()}
    return alarm.data | lists


def _url(action: str) -> str:
    return action.replace("://?", ":?", 1) if action.startswith("trust+") else action


def _moment(call: Call) -> str:
    return datetime.fromtimestamp(call.world.clock(), UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")


def _alarm(call: Call) -> Entity:
    found = call.store.get(ALARMS, call.params["alarm"])
    if found is None or not (call.actor.is_admin or found.project_id == call.actor.project_id):
        raise not_found(f"Alarm {call.params['alarm']} not found")
    return found


def _create(call: Call) -> Reply:
    data = _definition(call)
    limit = call.world.quota(call.actor.project_id, "alarms")
    mine = sum(each.project_id == call.actor.project_id for each in call.store.all(ALARMS))
    if 0 <= limit <= mine:
        user, project = call.actor.user_id, call.actor.project_id
        raise Fault(403, f"Alarm quota exceeded for user {user} on project {project}")
    private: JSON = {}
    with_trust(call, data, private)
    alarm_id, at = call.world.uuid(), _moment(call)
    data |= {
        "alarm_id": alarm_id, "project_id": call.actor.project_id, "user_id": call.actor.user_id,
        "timestamp": at, "state_timestamp": at, "state_reason": "Not evaluated yet", "evaluate_timestamp": at,
    }  # fmt: skip
    alarm = call.store.add(ALARMS, alarm_id, call.actor.project_id, data, private)
    call.touched.append(alarm)
    return Reply(201, _view(alarm), {"location": f"{call.base}/alarms/{alarm_id}"})


def _replace(call: Call) -> Reply:
    """What is not sent gets its default, the state too."""
    alarm, data = _alarm(call), _definition(call)
    with_trust(call, data, alarm.private)
    at = _moment(call)
    if data["state"] != alarm.data["state"]:
        data |= {"state_timestamp": at, "state_reason": _BY_HAND}
    alarm.data = {name: alarm.data[name] for name in _OWN} | data | {"timestamp": at}
    return Reply(200, _view(alarm))


def _show(call: Call) -> Reply:
    return Reply(200, _view(_alarm(call)))


def _delete(call: Call) -> Reply:
    alarm = _alarm(call)
    call.store.remove(alarm)
    release(call.world, alarm.private)
    return Reply(204)


# --- lists --------------------------------------------------------------------------------------------


def _list(call: Call) -> Reply:
    """The alarms of the caller's project, newest first, that meet every condition of the query."""
    known = ("q.field", "q.op", "q.value", "q.type", "sort", "limit", "marker")
    for name, _ in call.query:
        if name not in known:
            raise bad_request(f'Unknown argument: "{name}"')
    fields, values = ([value for key, value in call.query if key == name] for name in ("q.field", "q.value"))
    if not _FILTERS.issuperset(fields):
        raise invalid("field", set(fields), f"only fields {sorted(_FILTERS)} are allowed")
    wanted = dict(zip(fields, values, strict=False))
    found = [_view(each) for each in _seen(call, wanted) if _meets(each.data, wanted)]
    return Reply(200, _page(call, found[::-1]))


def _seen(call: Call, wanted: JSON) -> Iterable[Entity]:
    if call.actor.is_admin and ("project_id" in wanted or wanted.pop("all_projects", "") == "true"):
        return call.store.all(ALARMS)
    return [each for each in call.store.all(ALARMS) if each.project_id == call.actor.project_id]


def _meets(data: JSON, wanted: JSON) -> bool:
    return all(same(data.get(field), [value]) for field, value in wanted.items())


def _page(call: Call, found: list[JSON]) -> list[JSON]:
    if marker := call.first("marker"):
        place = next((at for at, each in enumerate(found) if each["alarm_id"] == marker), -1)
        found = found[place + 1 :]
    limit = call.first("limit")
    return found[: int(limit)] if limit else found


# --- states -------------------------------------------------------------------------------------------


def _state_reply(state: str) -> Reply:
    return Reply(200, orjson.dumps(state), {"content-type": "application/json"})


def _show_state(call: Call) -> Reply:
    return _state_reply(_alarm(call).data["state"])


def _set_state(call: Call) -> Reply:
    alarm, state = _alarm(call), call.json()
    if state not in STATES:
        raise bad_request("state invalid")
    previous = alarm.data["state"]
    call.store.update(alarm, {"state": state, "state_reason": _BY_HAND, "state_timestamp": _moment(call)})
    if alarm.data["enabled"] and (state != previous or alarm.data["repeat_actions"]):
        notify(call.world, alarm, previous, _BY_HAND)
    return _state_reply(state)


ROUTES = (
    Route("GET", "/alarms", _list),
    Route("POST", "/alarms", _create),
    Route("GET", "/alarms/{alarm}", _show),
    Route("PUT", "/alarms/{alarm}", _replace),
    Route("DELETE", "/alarms/{alarm}", _delete),
    Route("GET", "/alarms/{alarm}/state", _show_state),
    Route("PUT", "/alarms/{alarm}/state", _set_state),
)
