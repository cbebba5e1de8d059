"""The engine as the rest of the process sees it: its parts, startup and shutdown."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import socket
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta

import structlog

from stackd.auth.policy import Policy
from stackd.db import change_sets, drift, engines, leases, operations, plans
from stackd.engine.execution import hooks
from stackd.engine.execution.drift import DriftDetections
from stackd.engine.execution.operator import Operator
from stackd.engine.execution.run import Services
from stackd.engine.execution.snapshots import SnapshotRemovals
from stackd.engine.services.alarms.store import MetricStore
from stackd.engine.services.enrollments import Enrollments
from stackd.engine.services.event_sinks import EventSinks
from stackd.engine.services.notifications import Notifications
from stackd.engine.services.redaction import Redaction
from stackd.engine.services.trusts import Trusts
from stackd.engine.usecases.live_attributes import LiveAttributes
from stackd.engine.usecases.valid_requests import ValidRequests
from stackd.errors import StackdError
from stackd.records import now
from stackd.settings import Limits, Metrics

log = structlog.get_logger(__name__)

SWEEP = 2.0
"""Interval of the sweep for orphaned operations, in seconds."""

COLLECT = 600.0
"""Shortest interval of full garbage collections, in seconds."""

REMEMBERED = timedelta(days=1)
"""How long the token of a request is known; clients repeat one within seconds or minutes."""

DRIFT_KNOWN = timedelta(days=90)
"""How long detections of drift are known after their end."""

TIDY = 600.0
"""Longest interval of the sweep for unused credentials, in seconds; shorter if these are kept for less."""


@dataclass(slots=True)
class Engine:
    """Everything that the use cases need. ``alone`` is true if no other process shares the database."""

    services: Services
    operator: Operator
    trusts: Trusts
    enrollments: Enrollments
    policy: Policy
    limits: Limits
    lease: timedelta
    sinks: EventSinks
    redaction: Redaction
    alone: bool = False
    notifications: Notifications | None = None
    metric_settings: Metrics = field(default_factory=Metrics)
    valid_requests: ValidRequests = field(default_factory=ValidRequests)
    metrics: MetricStore = field(init=False)
    live: LiveAttributes = field(init=False)
    removals: SnapshotRemovals = field(init=False)
    drifts: DriftDetections = field(init=False)
    _collected: float = 0.0
    _tasks: list[asyncio.Task[None]] = field(default_factory=list)

    def __post_init__(self) -> None:
        services, most = self.services, self.metric_settings.max_metrics_per_project
        self.live = LiveAttributes(self.trusts.of_stack, services.registry, services.remotes, services.db)
        self.metrics = MetricStore(services.db, services.journal, most)
        self.removals = SnapshotRemovals(self.services, self.trusts.of_stack)
        self.drifts = DriftDetections(self.services, self.trusts.of_stack)

    async def start(self) -> None:
        """Resume the operations that an earlier process left unfinished, and start the periodic tasks."""
        self._collected = asyncio.get_running_loop().time()
        await self.trusts.resume()
        if self.alone:
            for operation in await operations.unfinished(self.services.db):
                self.operator.schedule(operation.root_id)
        await self._sweep()
        await self.removals.resume(every=True)
        await self.drifts.resume(every=True)
        await self.sinks.start()
        if self.notifications is not None:
            self.services.journal.listeners.append(self.notifications.heard)
            self.notifications.start()
        self._tasks = [
            asyncio.create_task(self._repeat(SWEEP, self._sweep), name="sweep"),
            asyncio.create_task(self._tidy(), name="tidy"),
            asyncio.create_task(
                self._repeat(self.lease.total_seconds() / 3, self._heartbeat), name="heartbeat"
            ),
        ]

    def check_health(self) -> None:
        """Raise ``ServiceUnavailable`` when nothing can be stored any more."""
        self.services.db.check()

    async def close(self) -> None:
        """Shut down; the next process resumes unfinished operations."""
        self.services.journal.hurry()
        for task in self._tasks:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
        await self.live.close()
        await self.removals.close()
        await self.drifts.close()
        await self.operator.close()
        await self.sinks.close()
        if self.notifications is not None:
            await self.notifications.close()
        await self.trusts.close()
        with contextlib.suppress(StackdError):
            await engines.leave(self.services.db, self.operator.engine_id)

    async def _repeat(self, seconds: float, action: Callable[[], Awaitable[None]]) -> None:
        is_failing = False
        while True:
            await asyncio.sleep(seconds)
            try:
                await action()
                is_failing = False
            except StackdError as error:
                if not is_failing:  # one line until it succeeds again
                    name = getattr(action, "__name__", "")
                    log.warning("background_task_failed", task=name, error=str(error))
                is_failing = True

    async def _tidy(self) -> None:
        """Revoke trusts that no stack has used lately, at startup and periodically."""
        while True:
            try:
                await self.trusts.revoke_idle()
                await plans.remove_expired(self.services.db, now())
                await change_sets.forget_requests(self.services.db, now() - REMEMBERED)
                await drift.forget(self.services.db, now() - DRIFT_KNOWN)
            except StackdError as error:
                log.warning("tidying_failed", error=str(error))
            await asyncio.sleep(max(SWEEP, min(TIDY, self.trusts.kept.total_seconds())))

    async def _sweep(self) -> None:
        """Take over the trees whose operations are unfinished and whose owner no longer runs."""
        for operation in await operations.orphaned(self.services.db):
            if not self.operator.is_occupied(operation.root_id):
                self.operator.schedule(operation.root_id)
        await self.removals.resume()
        await self.drifts.resume()
        self._sweep_memory()

    def _sweep_memory(self) -> None:
        """Collect all garbage when no operation runs, but rarely: it stops everything while it lasts.

        What an operation leaves is free without it. It is for what only circles hold, which nobody knows of.
        """
        time = asyncio.get_running_loop().time()
        if time - self._collected >= COLLECT and not self.operator.busy:
            self._collected = time
            gc.collect()

    async def _heartbeat(self) -> None:
        """Renew the leases of the trees in work; start operations that other processes accepted for them."""
        busy = self.operator.busy
        asked = asyncio.get_running_loop().time()
        held = await leases.renew(self.services.db, self.operator.engine_id, busy, self.lease)
        self.operator.extend_leases(held, asked)
        for lost in busy - held:
            self.operator.fence_out(lost)
        for root_id in held:
            await self.operator.poll(root_id)
            await hooks.notice(self.services, root_id)
        host = socket.gethostname()
        await engines.beat(self.services.db, self.operator.engine_id, host, int(self.lease.total_seconds()))
