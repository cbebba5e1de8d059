"""Live attributes: read from the cloud when they are shown, and the outputs that refer to them.

An answer is cached for some seconds, awaited until a deadline, and never fails a request: what the cloud
does not return in time is shown as it was stored when the resource completed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import structlog
from cachetools import TTLCache

from stackd.clients.cloud import Cloud
from stackd.clients.remote import Remote, Remotes
from stackd.db.database import Database
from stackd.engine.definition.types import ResolvedType
from stackd.engine.execution.watchers import read
from stackd.engine.services import siblings
from stackd.errors import CloudNotFound, NotFound
from stackd.records import Action, Resource, Stack
from stackd.resources.attributes import LIVE, SHOW
from stackd.resources.base import ResourceType
from stackd.resources.context import JSON
from stackd.resources.registry import Registry
from stackd.template.functions.base import Reference

log = structlog.get_logger(__name__)

GOOD_FOR = 5.0
"""Seconds for which an answer of the cloud is cached."""

DEADLINE = 3.0
"""Seconds that a request waits for the cloud."""

_AT_ONCE = 16
_KEPT = 4096
_OBJECT = ""
_ALL = "*"


@dataclass(frozen=True, slots=True)
class LiveOutput:
    """An output that shows live attributes: these by resource, and all resources that it needs."""

    asked: Mapping[str, frozenset[str]]
    needed: frozenset[str]


def live_outputs(
    references: Mapping[str, Iterable[Reference]], types: Mapping[str, ResolvedType]
) -> dict[str, LiveOutput]:
    """The outputs that refer to a live attribute."""
    found: dict[str, LiveOutput] = {}
    for name, uses in references.items():
        asked: dict[str, set[str]] = {}
        for use in uses:
            kind = types.get(use.resource)
            if kind is not None and use.attribute is not None:
                live = live_names(kind.handler)
                wanted = live if use.attribute == _ALL else live & {use.attribute}
                asked.setdefault(use.resource, set()).update(wanted)
        if any(asked.values()):
            by_resource = {resource: frozenset(names) for resource, names in asked.items() if names}
            found[name] = LiveOutput(by_resource, frozenset(use.resource for use in uses))
    return found


def live_names(kind: ResourceType[Any]) -> frozenset[str]:
    """Names of the live attributes of a type; ``show`` is one for every object in the cloud."""
    own = {name for name, attribute in kind.attributes.items() if attribute.how is LIVE}
    return frozenset(own | ({SHOW} if kind.entity is not None else set()))


@dataclass(slots=True)
class LiveReading:
    """One resource and its cloud while its live attributes are read; implements ``Reading``."""

    cloud: Cloud
    kind: ResourceType[Any]
    resource: Resource
    remotes: Remotes
    sibling_of: Callable[[Resource, str], Awaitable[Resource | None]]
    _live: JSON | None = None

    @property
    def physical_id(self) -> str:
        """See ``Reading``."""
        if self.resource.physical_id is None:
            raise NotFound(f"The resource {self.resource.name} has no object in the cloud yet.")
        return self.resource.physical_id

    async def live(self, *, fresh: bool = False) -> JSON:
        """See ``Reading``."""
        if self.kind.entity is None:
            return {}
        if fresh or self._live is None:
            self._live = await read(self.cloud, self.kind.entity.of(self.resource), self.physical_id)
        return self._live

    def remote(self, place: Remote) -> Cloud:
        """See ``Reading``."""
        return self.remotes.open(self.cloud, place)

    async def sibling(self, reference: str) -> Resource | None:
        """See ``Reading``."""
        return await self.sibling_of(self.resource, reference)

    async def sleep(self, seconds: float) -> None:
        """See ``Reading``."""
        await asyncio.sleep(seconds)


class _Now:
    """In the key of an answer for one request: whoever asks later may have to see what was written since."""

    __slots__ = ()


_Key = tuple[str, str | None, Any, str]


@dataclass(slots=True)
class LiveAttributes:
    """Reads live attributes with the stack's credentials; concurrent requests share one call."""

    cloud_of: Callable[[Stack], Awaitable[Cloud]]
    registry: Registry
    remotes: Remotes
    db: Database
    good_for: float = GOOD_FOR
    deadline: float = DEADLINE
    _answers: TTLCache[_Key, Any] = field(init=False)
    _readings: dict[_Key, asyncio.Task[None]] = field(default_factory=dict)
    _room: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(_AT_ONCE))

    def __post_init__(self) -> None:
        self._answers = TTLCache(_KEPT, self.good_for, _now)

    async def refreshed(
        self, stack: Stack, rows: Mapping[str, Resource], asked: Mapping[str, Collection[str]]
    ) -> dict[str, Resource]:
        """The rows with current values of the attributes in ``asked``, which are by resource name."""
        if not any(asked.values()):
            return dict(rows)
        await self.registry.ready(rows[name].kind for name in asked if name in rows)
        readings: dict[str, list[_Key]] = {}
        for name, attributes in asked.items():
            row = rows.get(name)
            kind = self.registry.types.get(row.kind) if row is not None else None
            if row is not None and kind is not None and _is_readable(row, kind):
                readings[name] = [_key(row, kind, what) for what in _to_read(kind, attributes)]
        missing = {key for keys in readings.values() for key in keys if key not in self._answers}
        if missing:
            of = {key: rows[name] for name, keys in readings.items() for key in keys}
            await self._read(stack, of, missing)
        newer = {name: self._newer(rows[name], keys) for name, keys in readings.items()}
        for key in missing:
            if isinstance(key[2], _Now):
                self._answers.pop(key, None)
        return {**rows, **newer}

    async def _read(self, stack: Stack, rows: Mapping[_Key, Resource], missing: Iterable[_Key]) -> None:
        """Wait until all missing answers are read, or the deadline."""
        waited = set()
        for key in missing:
            task = self._readings.get(key)
            if task is None:
                task = self._readings[key] = asyncio.create_task(self._answer(stack, rows[key], key))
                task.add_done_callback(partial(self._end, key))
            waited.add(task)
        await asyncio.wait(waited)

    async def close(self) -> None:
        """Cancel the reads under way."""
        for task in list(self._readings.values()):
            task.cancel()

    def _end(self, key: _Key, task: asyncio.Task[None]) -> None:
        self._readings.pop(key, None)

    async def _answer(self, stack: Stack, row: Resource, key: _Key) -> None:
        """Cache an answer. A failure is cached too, so that not every request waits for a failing cloud."""
        answer = None
        room = nullcontext() if isinstance(key[2], _Now) else self._room  # services that hang hold up others
        try:
            async with asyncio.timeout(self.deadline), room:
                cloud, kind = await self.cloud_of(stack), self.registry.get(row.kind)
                sibling_of = partial(siblings.sibling_of, self.db, self.registry.types)
                answer = await _value(LiveReading(cloud, kind, row, self.remotes, sibling_of), key[-1])
        except CloudNotFound:
            answer = ({},) if key[-1] == _OBJECT else (None,)
        except Exception as error:  # whatever a service or a plug-in does, the request goes on without it
            # Not its text: services repeat names and values in theirs.
            status = getattr(error, "status", None)
            log.info("attribute_not_read", resource=row.name, error=type(error).__name__, status=status)
        self._answers[key] = answer

    def _newer(self, row: Resource, keys: Iterable[_Key]) -> Resource:
        """The row with the attribute values that were read for it."""
        kind = self.registry.get(row.kind)
        values: dict[str, Any] = {}
        for key in keys:
            answer = self._answers.get(key)
            if answer is None:
                continue
            if key[-1] != _OBJECT:
                values[key[-1]] = answer[0]
                continue
            fields = kind.attribute_values(row, answer[0])
            values |= {name: fields[name] for name in live_names(kind) & fields.keys()} | {SHOW: answer[0]}
        return replace(row, attributes={**row.attributes, **values}) if values else row


def _now() -> float:
    return asyncio.get_running_loop().time()


def _is_readable(row: Resource, kind: ResourceType[Any]) -> bool:
    """Whether there is an object, or the type makes none: its attributes may come from other resources."""
    makes_none = kind.entity is None and row.action is not Action.INIT
    return (row.physical_id is not None or makes_none) and row.action is not Action.DELETE


def _to_read(kind: ResourceType[Any], asked: Iterable[str]) -> set[str]:
    """The reads that attributes need: the object itself, or attributes with a call of their own."""
    declared = kind.attributes
    own = {name for name in asked if name in declared and declared[name].read is not None}
    fields = live_names(kind).intersection(asked) - own
    return own | ({_OBJECT} if fields and kind.entity is not None else set())


def _key(row: Resource, kind: ResourceType[Any], what: str) -> _Key:
    """The cache key of an answer; it changes with the resource, which is then read again."""
    declared = kind.attributes.get(what)
    is_stored_here = declared is not None and declared.is_stored_here
    return row.id, row.physical_id, _Now() if is_stored_here else row.updated_at, what


async def _value(reading: LiveReading, what: str) -> tuple[Any]:
    """The object, or the value of an attribute that has a reader."""
    if what == _OBJECT:
        return (await reading.live(),)
    reader = reading.kind.attributes[what].read
    return (await reader(reading) if reader is not None else None,)
