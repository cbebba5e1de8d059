"""Event sinks: every event of a tree of stacks, posted to the queues that its environment names.

Events are delivered from the store, after they are durable: oldest first, several at once, by a task of their
own that no operation waits for. The progress is stored, so what a crash prevented is delivered
by the next process; an event whose delivery was under way may then come twice.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import uuid
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextvars import Context
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote

import structlog

from stackd.clients.cloud import Cloud
from stackd.clients.failures import AnswerLost
from stackd.db import sinks as progress
from stackd.db import stacks
from stackd.db.codec import to_json
from stackd.db.database import Database
from stackd.db.journal import Change, Insert, Journal, Remove, Update
from stackd.engine.definition.documents import load_json
from stackd.errors import BadRequest, CredentialsLost, ServiceUnavailable, StackdError, Transient
from stackd.records import Event, Sink, Stack
from stackd.template.environment import Environment, load_environment

log = structlog.get_logger(__name__)

KIND = "zaqar-queue"
_QUEUE = re.compile(r"[A-Za-z0-9_-]{1,64}")
_TTL: Final = (60, 1209600)
_DEFAULT_TTL = 3600
_AT_ONCE = 50
_LARGEST = 200_000
"""Bytes of messages in one request; Zaqar takes somewhat more."""

_TREES_AT_ONCE = 20
_GATHER = 0.05
"""Seconds in which events gather before they are sent together."""

_TEMPORARY = (Transient, AnswerLost, ServiceUnavailable, CredentialsLost)
"""Errors after which a delivery is tried again."""

_PATIENCE = 60.0
"""Longest delay between two attempts, and how long delivery for a deleted stack is retried, in seconds."""


@dataclass(frozen=True, slots=True)
class Target:
    """A queue to which events go, and how many seconds a message stays there."""

    queue: str
    ttl: int


def targets_of(environment: Environment) -> tuple[Target, ...]:
    """The queues that an environment names; ``BadRequest`` for an invalid sink."""
    return tuple(dict.fromkeys(_target(sink) for sink in environment.event_sinks))


def _target(sink: Mapping[str, Any]) -> Target:
    kind, queue, ttl = sink.get("type"), sink.get("target"), sink.get("ttl", _DEFAULT_TTL)
    if kind != KIND:
        raise BadRequest(f'The event sink type "{kind}" is not known; use "{KIND}".')
    if unknown := sink.keys() - {"type", "target", "ttl"}:
        raise BadRequest(f"An event sink has no {', '.join(sorted(map(str, unknown)))}.")
    if not isinstance(queue, str) or not _QUEUE.fullmatch(queue):
        raise BadRequest("The target of an event sink must be the name of a queue: letters, digits, _ and -.")
    low, high = _TTL
    if isinstance(ttl, bool) or not isinstance(ttl, int | str) or not str(ttl).isdecimal():
        raise BadRequest("The ttl of an event sink must be a number of seconds.")
    if not low <= int(ttl) <= high:
        raise BadRequest(f"The ttl of an event sink must be between {low} and {high} seconds.")
    return Target(queue, int(ttl))


async def changes(db: Database, stack: Stack | None, root_id: str, environment: Environment) -> list[Change]:
    """The changes that start or stop the delivery of events when a stack gets a new definition.

    ``stack`` is its record before the change, None for a new stack.
    """
    wanted = targets_of(environment)
    if stack is None:
        return [Insert(Sink(id=root_id, cursor=0))] if wanted else []
    if stack.parent_id is not None:
        return []
    known = await progress.get(db, root_id)
    if wanted and known is None:
        return [Insert(Sink(id=root_id, cursor=await progress.last_event(db, root_id)))]
    return [Remove(Sink, root_id)] if known is not None and not wanted else []


Properties = Callable[[Stack, Event], Awaitable[Mapping[str, Any]]]
"""Returns the properties of a resource at the time of an event, as they may be shown."""


class EventSinks:
    """Delivers the events of all trees whose environment names sinks."""

    def __init__(
        self,
        db: Database,
        journal: Journal,
        cloud_of: Callable[[Stack], Awaitable[Cloud]],
        properties: Properties,
    ) -> None:
        self._db = db
        self._journal = journal
        self._cloud_of = cloud_of
        self._properties = properties
        self._watched: set[str] = set()
        self._wanted: set[str] = set()
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._slots = asyncio.Semaphore(_TREES_AT_ONCE)
        self._closed = False

    async def start(self) -> None:
        """Start delivery, beginning with the events that an earlier process did not deliver."""
        self._journal.listeners.append(self._heard)
        for root_id in await progress.roots(self._db):
            self.watch(root_id)

    async def close(self) -> None:
        """Stop delivery; the next process continues from the stored progress."""
        self._closed = True
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def watch(self, root_id: str) -> None:
        """Schedule the delivery of the events of this tree."""
        self._watched.add(root_id)
        self._begin(root_id)

    def _heard(self, event: Event) -> None:
        if event.root_id in self._watched:
            self._begin(event.root_id)

    def _begin(self, root_id: str) -> None:
        self._wanted.add(root_id)
        if root_id not in self._tasks and not self._closed:
            # In a context of its own: the request id of the operation that made the event is not its own.
            work, name = self._serve(root_id), f"sinks {root_id}"
            self._tasks[root_id] = asyncio.create_task(work, name=name, context=Context())

    async def _serve(self, root_id: str) -> None:
        """Deliver until nothing is left."""
        try:
            while root_id in self._wanted:
                await asyncio.sleep(_GATHER)
                self._wanted.discard(root_id)
                await self._deliver(root_id)
        except Exception as error:
            log.exception("event_sink_stopped", root=root_id, error=str(error))
        finally:
            del self._tasks[root_id]

    async def _deliver(self, root_id: str) -> None:
        pause = 1.0
        while True:
            try:
                async with self._slots:
                    more = await self._deliver_some(root_id)
                if not more:
                    return
                pause = 1.0
            except _TEMPORARY as error:
                log.warning("event_sink_waits", root=root_id, error=str(error))
                root = await self._root(root_id)
                if pause >= _PATIENCE and root is not None and root.deleted_at is not None:
                    await self._end(root)
                    return
                await asyncio.sleep(pause)
                pause = min(pause * 2, _PATIENCE)

    async def _root(self, root_id: str) -> Stack | None:
        with contextlib.suppress(ServiceUnavailable):
            return await stacks.get(self._db, root_id, None)
        return None

    async def _deliver_some(self, root_id: str) -> bool:
        """Post the oldest undelivered events; returns whether there may be more."""
        sink, root = await progress.get(self._db, root_id), await stacks.get(self._db, root_id, None)
        if sink is None or root is None:
            self._watched.discard(root_id)
            return False
        events = await progress.undelivered(self._db, sink, _AT_ONCE)
        if not events:
            if root.deleted_at is not None:
                await self._end(root)
            return False
        try:
            await self._post(root, events)
        except _TEMPORARY:
            raise
        except StackdError as error:
            log.warning("events_not_delivered", root=root_id, count=len(events), error=str(error))
        await self._journal.write(Update(Sink, root_id, {"cursor": events[-1].seq}))
        return True

    async def _end(self, root: Stack) -> None:
        """Forget a deleted tree whose events are all delivered; its trust is no longer needed."""
        self._watched.discard(root.id)
        await self._journal.write(Remove(Sink, root.id))

    async def _post(self, root: Stack, events: Sequence[Event]) -> None:
        document = root.definition.environment
        environment = load_environment(await load_json(self._db, root.project_id, document))
        bodies = [await self._body(event) for event in events]
        cloud = await self._cloud_of(root)
        for target in targets_of(environment):
            for some in _portions(bodies, target.ttl):
                await _send(cloud, root, target, some)

    async def _body(self, event: Event) -> dict[str, Any]:
        """One event in the form that listeners know."""
        stack = await stacks.get(self._db, event.stack_id, None)
        is_stack = event.physical_id == event.stack_id
        properties = {} if stack is None or is_stack else await self._properties(stack, event)
        return {
            "timestamp": event.time.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "version": "0.1",
            "type": "os.heat.event",
            "id": event.id,
            "payload": {
                "resource_name": event.resource_name,
                "physical_resource_id": event.physical_id,
                "stack_id": event.stack_id,
                "resource_action": event.action,
                "resource_status": event.status,
                "resource_status_reason": event.reason,
                "resource_type": event.resource_type,
                "resource_properties": dict(properties),
                "version": "0.1",
            },
        }


def _portions(bodies: Sequence[dict[str, Any]], ttl: int) -> Iterable[list[dict[str, Any]]]:
    """The messages, split into requests no larger than the service accepts."""
    portion: list[dict[str, Any]] = []
    size = 0
    for body in bodies:
        weight = len(to_json(body))
        if portion and size + weight > _LARGEST:
            yield portion
            portion, size = [], 0
        portion.append({"body": body, "ttl": ttl})
        size += weight
    if portion:
        yield portion


async def _send(cloud: Cloud, root: Stack, target: Target, messages: list[dict[str, Any]]) -> None:
    client = {"Client-ID": str(uuid.uuid5(uuid.NAMESPACE_URL, root.id)), "X-PROJECT-ID": root.project_id}
    path = f"/queues/{quote(target.queue)}/messages"
    await cloud.service("messaging").request("POST", path, json={"messages": messages}, headers=client)
