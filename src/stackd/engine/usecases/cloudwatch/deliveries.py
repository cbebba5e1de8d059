"""Actions of alarms under way: many at once, of which one project has only a share.

The receivers of some may be slow. They hold up neither the evaluation of alarms nor the actions of others.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from contextvars import Context
from datetime import datetime
from typing import Final

import structlog

from stackd.db import alarms
from stackd.engine.usecases.cloudwatch.delivery import RETRY, deliver
from stackd.engine.usecases.engine import Engine
from stackd.errors import StackdError
from stackd.records import AlarmAction

log = structlog.get_logger(__name__)

AT_ONCE: Final = 200
SHARE: Final = 20
"""Actions under way of one project from which on no more of it are begun; also how many begin together."""


class Deliveries:
    """The actions that this process carries out."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._projects: Counter[str] = Counter()

    def __len__(self) -> int:
        return len(self._tasks)

    async def begin(self, moment: datetime) -> int:
        """Begin what is due; returns how much of it there was."""
        room = min(SHARE, AT_ONCE - len(self._tasks))
        if room <= 0:
            return 0
        taken = await alarms.take_actions(self._engine.services.db, moment, RETRY, room, self._busy())
        for action in taken:
            if action.id not in self._tasks:
                self._begin(action)
        return len(taken)

    def _busy(self) -> Sequence[str]:
        return [project for project, number in self._projects.items() if number >= SHARE]

    def _begin(self, action: AlarmAction) -> None:
        work = self._deliver(action)
        self._tasks[action.id] = asyncio.create_task(
            work, name=f"alarm action {action.id}", context=Context()
        )
        self._projects[action.project_id] += 1
        self._tasks[action.id].add_done_callback(lambda _: self._end(action))

    def _end(self, action: AlarmAction) -> None:
        self._tasks.pop(action.id, None)
        self._projects -= Counter([action.project_id])
        self._engine.services.alarm_clock.ring()

    async def _deliver(self, action: AlarmAction) -> None:
        """One action, whose trouble is not that of others; it is taken again if it is not done."""
        try:
            await deliver(self._engine, action)
        except StackdError as error:
            log.warning("alarm_action_postponed", action=action.id, error=str(error))
        except Exception:
            log.exception("alarm_action_broke", action=action.id)

    async def close(self) -> None:
        """Stop; what is not done is taken by whoever is there next."""
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
