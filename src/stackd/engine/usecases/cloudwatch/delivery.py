"""What alarms have to do, done: signals to resources of the project, and calls of URLs.

An action is a row until it is done. A signal that changes the size of a group is accepted in the same write
that marks the action as done, so that it happens once, whatever dies meanwhile. Everything else happens at
least once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import Final

import orjson
import structlog

from stackd.db import alarms
from stackd.db.journal import Change, Update
from stackd.engine.services.alarms.states import ACTION, history
from stackd.engine.services.alarms.targets import Receiver, Targets
from stackd.engine.usecases import signals
from stackd.engine.usecases.access import GUEST
from stackd.engine.usecases.engine import Engine
from stackd.errors import Fenced, FetchFailed, NotFound, ServiceUnavailable, StackdError, Transient
from stackd.records import Alarm, AlarmAction, Caller
from stackd.urls import is_url, shown

log = structlog.get_logger(__name__)

RETRY: Final = timedelta(seconds=30)
_CALL_SECONDS: Final = 20.0
_ATTEMPTS: Final = 5
_LATER: Final = (FetchFailed, ServiceUnavailable, Transient)
"""Failures after which an action is tried again."""


async def deliver(engine: Engine, action: AlarmAction) -> None:
    """Carry out one action; what fails for good is in the history of the alarm."""
    alarm = await alarms.by_id(engine.services.db, action.alarm_id, action.project_id)
    if alarm is None:
        await _finish(engine, action)
        return
    if action.attempts > _ATTEMPTS:  # whatever carried it out broke, or died of it
        await _fail(engine, alarm, action, StackdError("It could not be carried out."))
        return
    try:
        await _act(engine, alarm, action)
    except Fenced:
        log.debug("alarm_action_done_by_others", alarm=alarm.name, project=alarm.project_id)
    except _LATER as error:
        if action.attempts >= _ATTEMPTS:
            await _fail(engine, alarm, action, error)
    except StackdError as error:
        await _fail(engine, alarm, action, error)


async def _act(engine: Engine, alarm: Alarm, action: AlarmAction) -> None:
    services = engine.services
    targets = Targets(services.db, services.registry, services.endpoints)
    receiver = await targets.receiver(alarm, action.target)
    if receiver is not None:
        await _signal(engine, alarm, action, receiver)
    elif is_url(action.target):
        body = orjson.dumps(dict(action.message))
        await _call(engine, action, body)
        await _finish(engine, action, *_told(alarm, action, _entry(engine, alarm, action)))
    else:
        raise NotFound(f"The project has no resource {shown(action.target)} that could be signalled.")


async def _call(engine: Engine, action: AlarmAction, body: bytes) -> None:
    """Call a URL, for less time than it takes until the action is taken again."""
    try:
        async with asyncio.timeout(_CALL_SECONDS):
            await engine.services.egress.post(action.target, body, project_id=action.project_id)
    except TimeoutError:
        raise FetchFailed(f"{shown(action.target)} does not answer in {_CALL_SECONDS:.0f} s.") from None


async def _signal(engine: Engine, alarm: Alarm, action: AlarmAction, receiver: Receiver) -> None:
    """Signal a resource. One that takes no signal now, as during a cooldown, leaves no trace."""
    stack = receiver.stack
    caller = Caller(user_id=stack.user_id, user_name="alarm", project_id=stack.project_id, roles=(GUEST,))
    also: Sequence[Change] = (_done(action), _entry(engine, alarm, action))
    delivered = await signals.deliver(engine, caller, stack, receiver.row.name, action.message, also)
    if delivered.is_stored:
        return
    await _finish(engine, action, *(() if receiver.scales else _told(alarm, action, also[1])))


def _done(action: AlarmAction) -> Update:
    """That an action is done, which holds once."""
    return Update(AlarmAction, action.id, {"state": "done"}, where={"state": "pending"})


async def _finish(engine: Engine, action: AlarmAction, *also: Change) -> None:
    await engine.services.journal.write(_done(action), *also)


async def _fail(engine: Engine, alarm: Alarm, action: AlarmAction, error: StackdError) -> None:
    log.warning("alarm_action_failed", alarm=alarm.name, project=alarm.project_id, error=str(error))
    await _finish(engine, action, *_told(alarm, action, _entry(engine, alarm, action, error)))


def _told(alarm: Alarm, action: AlarmAction, entry: Change) -> tuple[Change, ...]:
    """What the history gets of an action: of one that is repeated while a state lasts only the first time."""
    return (entry,) if action.created_at <= alarm.transitioned_at else ()


def _entry(engine: Engine, alarm: Alarm, action: AlarmAction, error: StackdError | None = None) -> Change:
    """The entry of an action in the alarm's history."""
    target = shown(action.target)
    outcome = "Successfully executed" if error is None else "Failed to execute"
    data = {"actionState": "Succeeded" if error is None else "Failed", "notificationResource": target}
    if error is not None:
        data["error"] = error.message
    moment = engine.services.db.clock()
    return history(alarm, ACTION, moment, f"{outcome} action {target}", data)
