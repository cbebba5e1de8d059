"""The task that evaluates alarms, does what they have to do, and removes what is old."""

from __future__ import annotations

import asyncio
import contextlib
from contextvars import Context
from datetime import timedelta
from typing import Final

import structlog

from stackd.db import alarms, metrics
from stackd.engine.services.alarms.evaluator import AlarmEvaluator
from stackd.engine.services.alarms.targets import Targets
from stackd.engine.usecases.cloudwatch.deliveries import Deliveries
from stackd.engine.usecases.engine import Engine
from stackd.errors import StackdError

log = structlog.get_logger(__name__)

_POLL: Final = 5.0
"""Seconds after which a process looks for what others, or stacks, have made due."""
_TIDY: Final = timedelta(minutes=10)
_BREATH: Final = 0.05
"""Seconds between two statements that remove old samples."""
_UNDER_WAY: Final = 1.0
"""Seconds between two looks at what is due and cannot begin yet. What ends wakes the worker sooner."""


class AlarmWorker:
    """Works for the alarms of all projects, in every process; each takes what is due."""

    def __init__(self, engine: Engine) -> None:
        services, settings = engine.services, engine.metric_settings
        targets = Targets(services.db, services.registry, services.endpoints)
        self._engine = engine
        self._evaluator = AlarmEvaluator(services.db, services.journal, targets, settings.lateness_seconds)
        self._deliveries = Deliveries(engine)
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Begin."""
        for name, work in (("alarms", self._work()), ("metrics retention", self._tidy())):
            self._tasks.append(asyncio.create_task(work, name=name, context=Context()))

    async def close(self) -> None:
        """Stop; what is due is done by whoever is there next."""
        for task in self._tasks:
            task.cancel()
        for task in self._tasks:
            with contextlib.suppress(asyncio.CancelledError):
                await task
        await self._deliveries.close()

    async def _work(self) -> None:
        is_failing = False
        while True:
            pause = _POLL
            try:
                pause = await self._turn()
                is_failing = False
            except StackdError as error:
                if not is_failing:  # one line until it succeeds again
                    log.warning("background_task_failed", task="alarms", error=str(error))
                is_failing = True
            except Exception:
                log.exception("background_task_failed", task="alarms")
            await self._engine.services.alarm_clock.rest(pause)

    async def _turn(self) -> float:
        """Do what is due; returns the seconds until something else is."""
        db = self._engine.services.db
        due = [each for each in (await alarms.next_due(db), await alarms.next_action(db)) if each is not None]
        left = (min(due) - db.clock()).total_seconds() if due else _POLL
        if left > 0:
            return min(left, _POLL)
        evaluated = await self._evaluator.evaluate_due()
        begun = await self._deliveries.begin(db.clock())
        if evaluated or begun:
            return 0.0
        return _UNDER_WAY if len(self._deliveries) else _BREATH

    async def _tidy(self) -> None:
        """Remove what is older than the settings say, at startup and periodically."""
        while True:
            try:
                await self._remove_old()
            except StackdError as error:
                log.warning("background_task_failed", task="metrics retention", error=str(error))
            except Exception:
                log.exception("background_task_failed", task="metrics retention")
            await asyncio.sleep(_TIDY.total_seconds())

    async def _remove_old(self) -> None:
        db, settings = self._engine.services.db, self._engine.metric_settings
        moment = db.clock()
        after: int | None = 0
        while after is not None:
            after = await metrics.purge(db, moment - timedelta(hours=settings.retention_hours), after)
            await asyncio.sleep(_BREATH)
        kept = timedelta(days=settings.history_days)
        await alarms.purge(db, history_before=moment - kept, actions_before=moment - _TIDY)
