"""The objects of the dev cloud: in memory, indexed, with timed status changes.

Nothing here runs in the background. A status that will change later is a `Pending` in a heap, and
`settle` applies those that are due; it is called before each request, so that the clock may be virtual.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import count
from typing import Any

JSON = dict[str, Any]
Clock = Callable[[], float]


@dataclass(frozen=True, slots=True)
class Pending:
    """A change of an object at a later time."""

    at: float
    changes: Mapping[str, Any] | None
    """New values of fields; None when the object ceases to exist."""

    then: Callable[[], None] | None = None
    """Consequences for other objects, such as the ports of a deleted server."""


@dataclass(slots=True, eq=False)
class Entity:
    """One object: `data` is what the API shows, `private` what it never shows."""

    kind: str
    id: str
    project_id: str
    data: JSON
    created: float
    private: JSON = field(default_factory=dict)
    pending: Pending | None = None


class Table:
    """All objects of one kind, with an index for each field that is often searched."""

    def __init__(self, indexes: Iterable[str]) -> None:
        self.rows: dict[str, Entity] = {}
        self.indexes: dict[str, dict[Any, dict[str, Entity]]] = {name: {} for name in indexes}

    def link(self, entity: Entity) -> None:
        """Enter the object in every index."""
        for name, index in self.indexes.items():
            index.setdefault(entity.data.get(name), {})[entity.id] = entity

    def unlink(self, entity: Entity) -> None:
        """Take the object out of every index."""
        for name, index in self.indexes.items():
            value = entity.data.get(name)
            if bucket := index.get(value):
                bucket.pop(entity.id, None)
                if not bucket:
                    del index[value]


class Store:
    """All objects of all services, by kind (`network.ports`) and id."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.tables: dict[str, Table] = {}
        self._due: list[tuple[float, int, Entity, Pending]] = []
        self._wakes: list[float] = []
        self._order = count()

    def declare(self, kind: str, indexes: Iterable[str] = ()) -> None:
        """Make room for objects of this kind."""
        self.tables[kind] = Table(indexes)

    def add(
        self, kind: str, entity_id: str, project_id: str, data: JSON, private: JSON | None = None
    ) -> Entity:
        """Store a new object; its id must be free."""
        entity = Entity(kind, entity_id, project_id, data, self.clock(), private or {})
        table = self.tables[kind]
        table.rows[entity_id] = entity
        table.link(entity)
        return entity

    def get(self, kind: str, entity_id: str) -> Entity | None:
        """The object with this id, or None."""
        return self.tables[kind].rows.get(entity_id)

    def all(self, kind: str) -> Iterable[Entity]:
        """Every object of a kind, oldest first."""
        return self.tables[kind].rows.values()

    def find(self, kind: str, **equal: Any) -> Iterator[Entity]:
        """Objects whose fields have these values; an index narrows the search where there is one."""
        table = self.tables[kind]
        rows: Iterable[Entity] = table.rows.values()
        for name, value in equal.items():
            if name in table.indexes:
                rows = list(table.indexes[name].get(value, {}).values())
                break
        for entity in rows:
            if all(entity.data.get(name) == value for name, value in equal.items()):
                yield entity

    def first(self, kind: str, **equal: Any) -> Entity | None:
        """The first object whose fields have these values, or None."""
        return next(self.find(kind, **equal), None)

    def update(self, entity: Entity, changes: Mapping[str, Any]) -> None:
        """Change fields of an object and keep the indexes right."""
        table = self.tables[entity.kind]
        indexed = not table.indexes.keys().isdisjoint(changes)
        if indexed:
            table.unlink(entity)
        entity.data.update(changes)
        if indexed and entity.id in table.rows:
            table.link(entity)

    def remove(self, entity: Entity) -> None:
        """Remove an object and its pending change."""
        table = self.tables[entity.kind]
        entity.pending = None
        if table.rows.pop(entity.id, None) is not None:
            table.unlink(entity)

    def later(
        self,
        entity: Entity,
        delay: float,
        changes: Mapping[str, Any] | None,
        then: Callable[[], None] | None = None,
        *,
        wakes: bool = False,
    ) -> None:
        """Schedule a change of an object after a delay; replaces its pending change.

        One that ``wakes`` is also made when no request comes.
        """
        pending = Pending(self.clock() + delay, changes, then)
        if wakes:
            heapq.heappush(self._wakes, pending.at)
        entity.pending = pending
        heapq.heappush(self._due, (pending.at, next(self._order), entity, pending))

    @property
    def next_wake(self) -> float | None:
        """When a change is due that must not wait for a request; None if there is none."""
        return self._wakes[0] if self._wakes else None

    def settle(self) -> None:
        """Apply all due changes."""
        now = self.clock()
        while self._wakes and self._wakes[0] <= now:
            heapq.heappop(self._wakes)
        while self._due and self._due[0][0] <= now:
            _, _, entity, pending = heapq.heappop(self._due)
            if entity.pending is not pending:
                continue
            entity.pending = None
            if pending.changes is None:
                self.remove(entity)
            else:
                self.update(entity, pending.changes)
            if pending.then is not None:
                pending.then()
