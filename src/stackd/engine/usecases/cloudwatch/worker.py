"""The task that evaluates alarms, does what they have to do, and removes what is old."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from contextvars import Context
from datetime import datetime, timedelta
from typing import Final

import structlog

from stackd.db import alarms, metrics
from stackd.engine.services.alarms.clock import AlarmClock
from stackd.engine.services.alarms.evaluator import AlarmEvaluator
from stackd.engine.services.alarms.targets import Targets
from stackd.engine.usecases.cloudwatch.delivery import RETRY, deliver
from stackd.engine.usecases.engine import Engine
from stackd.errors import StackdError
from stackd.records import AlarmAction

log = structlog.get_logger(__name__)

_POLL: Final = 5.0
"""Seconds after which a process looks for what others, or stacks, have made due."""
_TIDY: Final = timedelta(minutes=10)
_BREATH: Final = 0.05
"""Seconds between two statements that remove old samples."""
_AT_ONCE: Final = 200
_SHARE: Final = 20
"""Actions that are carried out at the same time: of all, and of one project."""
_CROWDED: Final = 0.5


class AlarmWorker:
    """Works for the alarms of all projects, in every process; each takes what is due."""

    def __init__(self, engine: Engine) -> None:
        services, settings = engine.services, engine.metric_settings
        targets = Targets(services.db, services.registry, services.endpoints)
        self._engine = engine
        self._db = services.db
        self._evaluator = AlarmEvaluator(services.db, services.journal, targets, settings.lateness_seconds)
        self._delivering = AlarmClock()
        self._running: dict[asyncio.Task[None], str] = {}
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Begin."""
        for name, work in (
            ("alarms", self._repeat("alarms", self._evaluate, self._engine.services.alarm_clock)),
            ("alarm actions", self._repeat("alarm actions", self._deliver, self._delivering)),
            ("metrics retention", self._tidy()),
        ):
            self._tasks.append(asyncio.create_task(work, name=name, context=Context()))

    async def close(self) -> None:
        """Stop; what is due is done by whoever is there next."""
        tasks = [*self._tasks, *self._running]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _repeat(self, name: str, turn: Callable[[], Awaitable[float]], clock: AlarmClock) -> None:
        """Do what is due, turn after turn; each returns the seconds until the next, if no clock rings."""
        is_failing = False
        while True:
            pause = _POLL
            try:
                pause = await turn()
                is_failing = False
            except StackdError as error:
                if not is_failing:  # one line until it succeeds again
                    log.warning("background_task_failed", task=name, error=str(error))
                is_failing = True
            except Exception:
                log.exception("background_task_failed", task=name)
            await clock.rest(pause)

    def _left(self, due: datetime | None) -> float:
        """The seconds until something is due, or until it has to be looked up again."""
        return _POLL if due is None else min((due - self._db.clock()).total_seconds(), _POLL)

    async def _evaluate(self) -> float:
        self._delivering.ring()  # whatever has rung may have made actions
        left = self._left(await alarms.next_due(self._db))
        if left > 0:
            return left
        return 0.0 if await self._evaluator.evaluate_due() else _BREATH

    # --- actions ----------------------------------------------------------------------------------

    async def _deliver(self) -> float:
        """Begin actions that are due. Those of one project, whose URLs may be slow, leave room for others."""
        left = self._left(await alarms.next_action(self._db))
        if left > 0:
            return left
        free = _AT_ONCE - len(self._running)
        busy = [project for project, count in Counter(self._running.values()).items() if count >= _SHARE]
        if free <= 0:
            return _CROWDED
        taken = await alarms.take_actions(
            self._db, self._db.clock(), RETRY, min(free, _SHARE), without=sorted(busy)
        )
        for action in taken:
            task = asyncio.create_task(self._deliver_one(action), name="alarm action")
            self._running[task] = action.project_id
            task.add_done_callback(self._ended)
        return 0.0 if taken else _CROWDED

    def _ended(self, task: asyncio.Task[None]) -> None:
        del self._running[task]

    async def _deliver_one(self, action: AlarmAction) -> None:
        """One action, whose trouble is not that of others; it is taken again if it is not done."""
        try:
            await deliver(self._engine, action)
        except StackdError as error:
            log.warning("alarm_action_postponed", action=action.id, error=str(error))
        except Exception:
            log.exception("alarm_action_broke", action=action.id)

    # --- what is old ------------------------------------------------------------------------------

    async def _tidy(self) -> None:
        """Remove what is older than the settings say, at startup and periodically."""
        while True:
            try:
                await self._remove_old()
            except StackdError as error:
                log.warning("background_task_failed", task="metrics retention", error=str(error))
            except Exception:  # a mistake of ours must not let metrics pile up until the next start
                log.exception("background_task_failed", task="metrics retention")
            await asyncio.sleep(_TIDY.total_seconds())

    async def _remove_old(self) -> None:
        settings = self._engine.metric_settings
        moment = self._db.clock()
        after: int | None = 0
        while after is not None:
            after = await metrics.purge(self._db, moment - timedelta(hours=settings.retention_hours), after)
            await asyncio.sleep(_BREATH)
        kept = timedelta(days=settings.history_days)
        await alarms.purge(self._db, history_before=moment - kept, actions_before=moment - _TIDY)
