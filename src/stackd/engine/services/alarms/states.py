"""An alarm in a new state, as changes to write: state, history and what it has to do are one write."""

from __future__ import annotations

import itertools
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final

import orjson

from stackd.db.journal import Change, Insert, Update
from stackd.engine.services.alarms.configuration import ACTION_LISTS, period_of
from stackd.engine.services.alarms.evaluation import INSUFFICIENT
from stackd.engine.services.alarms.rules import CURRENT, NORMAL, TEMPLATE
from stackd.records import Alarm, AlarmAction, AlarmHistory, new_id

REASON_LIMIT: Final = 1023
_DATA_LIMIT: Final = 4000
_POINTS: Final = ("recentDatapoints", "evaluatedDatapoints")
_REPEAT: Final = 60
_ORDER: Final = itertools.count(time.time_ns())
"""Ids of entries are in the order in which they are made, for those of the same moment."""
UNCHECKED: Final = "Unchecked: the alarm has just been made."

CONFIGURATION, STATE, ACTION = "ConfigurationUpdate", "StateUpdate", "Action"


@dataclass(frozen=True, slots=True)
class Moved:
    """An alarm after a change, and what is written for it."""

    alarm: Alarm
    changes: tuple[Change, ...]


def history(alarm: Alarm, kind: str, moment: datetime, summary: str, data: Mapping[str, Any]) -> Insert:
    """An entry in the history of an alarm."""
    entry = AlarmHistory(
        id=f"{next(_ORDER):016x}-{new_id()}",
        project_id=alarm.project_id,
        alarm_name=alarm.name,
        kind=kind,
        time=moment,
        summary=summary,
        data={"version": "1.0", **data},
    )
    return Insert(entry)


def data_text(data: Mapping[str, Any]) -> str:
    """The reason of a state for programs, as it is stored; what is too long has fewer points."""
    text = orjson.dumps(data).decode()
    if len(text) <= _DATA_LIMIT:
        return text
    kept = {
        key: value for key, value in data.items() if key not in ("recentDatapoints", "evaluatedDatapoints")
    }
    return orjson.dumps(kept).decode()


def moved(alarm: Alarm, state: str, reason: str, data: str, moment: datetime) -> Moved:
    """The alarm in another state, or in the same one for another reason, which has no consequences."""
    is_other = state != alarm.state
    after = replace(
        alarm,
        state=state,
        reason=reason[:REASON_LIMIT],
        reason_data=data,
        updated_at=moment,
        transitioned_at=moment if is_other else alarm.transitioned_at,
        acted_at=moment if is_other else alarm.acted_at,
        revision=alarm.revision + 1,
    )
    if not is_other:
        return Moved(after, (_stored(alarm, after),))
    entry = history(
        alarm,
        STATE,
        moment,
        f"Alarm updated from {alarm.state} to {state}",
        {"oldState": _shown(alarm), "newState": _shown(after)},
    )
    actions = _actions(after, alarm.state, moment)
    return Moved(after, (_stored(alarm, after), entry, *map(Insert, actions)))


def repeated(alarm: Alarm, moment: datetime, targets: Sequence[str]) -> Moved:
    """The alarm, whose actions are begun once more in its state."""
    after = replace(alarm, acted_at=moment, revision=alarm.revision + 1)
    actions = [_action(after, alarm.state, moment, target) for target in targets]
    return Moved(after, (_stored(alarm, after), *map(Insert, actions)))


def _stored(before: Alarm, after: Alarm) -> Update:
    """The change holds only if nobody has changed the alarm or evaluated it anew meanwhile."""
    names = ("state", "reason", "reason_data", "updated_at", "transitioned_at", "acted_at", "revision")
    values = {name: getattr(after, name) for name in names if getattr(after, name) != getattr(before, name)}
    return Update(Alarm, before.id, values, where={"revision": before.revision, "due_at": before.due_at})


def _shown(alarm: Alarm) -> dict[str, Any]:
    shown: dict[str, Any] = {"stateValue": alarm.state, "stateReason": alarm.reason}
    return shown | ({"stateReasonData": orjson.loads(alarm.reason_data)} if alarm.reason_data else {})


# --- actions --------------------------------------------------------------------------------------


def targets_of(alarm: Alarm) -> list[str]:
    """What the alarm acts on in its present state; nothing while its actions are disabled."""
    if not alarm.actions_enabled:
        return []
    return list(dict.fromkeys(alarm.configuration.get(ACTION_LISTS[alarm.state], ())))


def _actions(alarm: Alarm, previous: str, moment: datetime) -> list[AlarmAction]:
    return [_action(alarm, previous, moment, target) for target in targets_of(alarm)]


def _action(alarm: Alarm, previous: str, moment: datetime, target: str) -> AlarmAction:
    message = {
        "alarm": alarm.name,
        "alarm_name": alarm.name,
        "state": NORMAL[alarm.state],
        "current": CURRENT[alarm.state],
        "previous": CURRENT[previous],
        "reason": alarm.reason,
    }
    return AlarmAction(
        id=new_id(),
        alarm_id=alarm.id,
        project_id=alarm.project_id,
        target=target,
        message=message,
        created_at=moment,
        due_at=moment,
    )


def repeats(alarm: Alarm, moment: datetime) -> bool:
    """Whether it is time to begin the actions of an alarm once more in its state.

    In a template that is after each period; else after a minute, for what scales.
    """
    if alarm.acted_at is None or not targets_of(alarm):
        return False
    pause = max(period_of(alarm.configuration), _REPEAT) if alarm.origin == TEMPLATE else _REPEAT
    return moment - alarm.acted_at >= timedelta(seconds=pause)


def first_state(fields: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a new alarm that its state has."""
    moment = fields["configured_at"]
    times = dict.fromkeys(("updated_at", "transitioned_at", "due_at"), moment)
    return {"state": INSUFFICIENT, "reason": UNCHECKED, **times, **fields}
