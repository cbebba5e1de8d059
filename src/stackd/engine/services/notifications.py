"""Notifications: what happens to stacks, for the other services of the cloud.

They have the names and the payload that billing and telemetry know from Heat. Nothing waits for them, and
they are not stored: while the broker is away the oldest are dropped. What must not be lost is in the events.
"""

from __future__ import annotations

import asyncio
import contextlib
import uuid
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from contextvars import Context
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

import structlog

from stackd.db import stacks
from stackd.db.database import Database
from stackd.errors import ServiceUnavailable, Transient
from stackd.records import Event, Stack, Status, now
from stackd.resources.scaling import Adjustment

log = structlog.get_logger(__name__)

Publish = Callable[[str, Mapping[str, Any]], Awaitable[None]]
"""Puts a message into a queue; raises ``Transient``."""

_KEPT = 10_000
"""Notifications that wait for the broker, at most."""

_PAUSES = (0.5, 30.0)
"""Seconds until a lost broker is tried again, which doubles up to the second number."""

_ENDS: Final = {Status.IN_PROGRESS: "start", Status.COMPLETE: "end", Status.FAILED: "error"}


@dataclass(frozen=True, slots=True)
class Notice:
    """Something to report of a stack: its kind, and what the payload has besides the stack's own values."""

    stack_id: str
    kind: str
    is_error: bool
    values: Mapping[str, Any] = field(default_factory=dict)
    moment: datetime = field(default_factory=now)


def notice_of(event: Event) -> Notice | None:
    """What an event reports of a stack as a whole; None for that of a resource."""
    if event.physical_id != event.stack_id or event.status not in _ENDS:
        return None
    kind = f"orchestration.stack.{event.action.lower()}.{_ENDS[event.status]}"
    state = {"state": f"{event.action}_{event.status}", "state_reason": event.reason}
    return Notice(event.stack_id, kind, event.status is Status.FAILED, state, event.time)


def discarded(notice: Notice) -> None:
    """What becomes of a notice where no driver is configured."""


def scaling_notice(stack: Stack, status: Status, group: str, adjustment: Adjustment, capacity: int) -> Notice:
    """What is reported before and after a group changes its size; ``stack`` is the one around the group."""
    end = _ENDS[status]
    values = {
        "adjustment": adjustment.by,
        "adjustment_type": adjustment.kind,
        "capacity": capacity,
        "groupname": group,
        "message": f"{end} {adjustment.label}",
    }
    return Notice(stack.id, f"orchestration.autoscaling.{end}", status is Status.FAILED, values)


def payload_of(stack: Stack, notice: Notice) -> dict[str, Any]:
    """The payload as consumers know it; ``user_id`` is the user's name, as it always was."""
    return {
        "tenant_id": stack.project_id,
        "user_id": stack.owner,
        "username": stack.owner,
        "user_identity": stack.user_id,
        "stack_identity": stack.id,
        "stack_name": stack.name,
        "state": f"{stack.action}_{stack.status}",
        "state_reason": stack.reason,
        "create_at": stack.created_at.isoformat(timespec="seconds"),
        "updated_at": stack.updated_at.isoformat(timespec="seconds") if stack.updated_at else None,
        "tags": list(stack.tags or ()),
        **notice.values,
    }


class Notifications:
    """Sends notices one after the other, in a task that nothing waits for.

    ``topics`` are names of queues; the priority is added to each. Without ``publish`` they are logged.
    """

    def __init__(
        self,
        db: Database,
        publisher_id: str,
        topics: tuple[str, ...],
        publish: Publish | None,
        hang_up: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        self._db = db
        self._publisher_id = publisher_id
        self._topics = topics
        self._publish = publish
        self._hang_up = hang_up
        self._waiting: deque[Notice] = deque(maxlen=_KEPT)
        self._wanted = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to send."""
        self._task = asyncio.create_task(self._serve(), name="notifications", context=Context())

    async def close(self) -> None:
        """Stop; what waits still is dropped."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        if self._hang_up is not None:
            await self._hang_up()

    def heard(self, event: Event) -> None:
        """An event is durable."""
        if (notice := notice_of(event)) is not None:
            self.note(notice)

    def note(self, notice: Notice) -> None:
        """Have something sent soon."""
        self._waiting.append(notice)
        self._wanted.set()

    async def _serve(self) -> None:
        pause = _PAUSES[0]
        while True:
            await self._wanted.wait()
            self._wanted.clear()
            while self._waiting:
                notice = self._waiting[0]
                try:
                    await self._send(notice)
                except (Transient, ServiceUnavailable) as error:
                    log.warning("notifications_wait", count=len(self._waiting), error=str(error))
                    await asyncio.sleep(pause)
                    pause = min(2 * pause, _PAUSES[1])
                    continue
                except Exception:  # of this one; the next are sent
                    log.exception("notification_not_sent", kind=notice.kind)
                pause = _PAUSES[0]
                if self._waiting and self._waiting[0] is notice:  # else it was dropped for a newer one
                    self._waiting.popleft()

    async def _send(self, notice: Notice) -> None:
        stack = await stacks.get(self._db, notice.stack_id, None)
        if stack is None:
            return
        priority = "ERROR" if notice.is_error else "INFO"
        payload = payload_of(stack, notice)
        if self._publish is None:
            log.info("notification", event_type=notice.kind, priority=priority, payload=payload)
            return
        message = {
            "message_id": str(uuid.uuid4()),
            "publisher_id": self._publisher_id,
            "event_type": notice.kind,
            "priority": priority,
            "payload": payload,
            "timestamp": notice.moment.strftime("%Y-%m-%d %H:%M:%S.%f"),
            "_context_project_id": stack.project_id,
            "_context_user_id": stack.user_id,
        }
        for topic in self._topics:
            await self._publish(f"{topic}.{priority.lower()}", message)
