"""The journal: the only writer, which commits the changes of many tasks together.

While one commit runs, the writes that arrive gather; the next commit takes them all. So a lone
write waits for nothing, and a thousand concurrent ones share a few commits. Each waits until its
own batch is durable.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import bindparam, delete, update
from sqlalchemy.sql.elements import CompilerElement

from stackd.db import metrics, tables
from stackd.db.backend import DatabaseMissing, Unreachable
from stackd.db.batch import Step, Write
from stackd.db.codec import Codec, Kind, Record, pack, to_micros
from stackd.db.database import Database
from stackd.db.statements import Statement
from stackd.db.weights import outweigh
from stackd.errors import ServiceUnavailable
from stackd.records import Event, Fence, Stack

MAX_BATCH = 1000
_FIRST_PAUSE = 0.05
_LONGEST_PAUSE = 2.0
_AT_ONCE = 50  # changes that are encoded in one turn of the event loop
MOST_STANDING = 512
_STANDING_SIZES = (8, 64, MOST_STANDING)  # numbers of rows in a statement: one of a few texts is compiled
_LARGE_DOCUMENT = 50_000  # bytes; packing more would block the event loop for milliseconds
_HEAVY = 50_000  # characters of values, which are then encoded in a thread


@dataclass(frozen=True, slots=True)
class Insert:
    """A new record."""

    record: Record


@dataclass(frozen=True, slots=True)
class Update:
    """New values for some fields of the record ``id``.

    ``where`` are fields that must have these values as well (``None`` for none); when no such row is
    found the write fails with ``Fenced``. Without ``where`` a missing row is no error. Encrypted
    fields cannot stand in ``where``.
    """

    kind: Kind
    id: str
    values: Mapping[str, Any]
    where: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Remove:
    """Removes the record ``id``, if it exists."""

    kind: Kind
    id: str


@dataclass(frozen=True, slots=True)
class PutDocument:
    """Stores a document under its content id; storing it again only renews its age."""

    project_id: str
    id: str
    body: bytes


@dataclass(frozen=True, slots=True)
class Stand:
    """Notes that resources stand as the definition ``target`` wants them: at most ``MOST_STANDING`` rows."""

    ids: tuple[str, ...]
    target: str


Change = Insert | Update | Remove | PutDocument | Stand | metrics.SeenMetric | metrics.Sample


class Journal:
    """Writes to one database.

    ``patience`` is how many seconds a write waits for a lost database before it fails with
    ``ServiceUnavailable``; its outcome is then unknown, as with every lost answer. ``commits`` counts
    the batches. ``listeners`` are called with every event once it is durable.
    """

    def __init__(self, database: Database, *, patience: float = 60.0) -> None:
        self.commits = 0
        self.listeners: list[Callable[[Event], None]] = []
        self._database = database
        self._patience = patience
        self._pending: deque[Write] = deque()
        self._drain: asyncio.Task[None] | None = None
        self._closed = False
        self._hurried = asyncio.Event()
        self._statements = database.statements
        self._steps: dict[type[Any], Callable[[Any], Step]] = {
            Insert: self._insert,
            Update: self._update,
            Remove: self._remove,
            Stand: self._stand,
            metrics.SeenMetric: self._seen,
            metrics.Sample: self._sample,
        }

    async def write(self, *changes: Change, fence: Fence | None = None) -> None:
        """Return when ``changes`` are durable, all of them.

        Raises ``Fenced`` when ``fence`` or a condition no longer matches and ``StackExists`` when a name is
        taken; nothing of this write is stored then. A caller that is cancelled while it waits does not
        revoke the write.
        """
        if self._closed:
            raise ServiceUnavailable("The journal is closed.")
        if not changes:
            return
        steps = await self._steps_of(changes)
        waiter = asyncio.get_running_loop().create_future()
        self._pending.append(Write(steps, fence, waiter))
        if self._drain is None:
            self._drain = asyncio.create_task(self._commit_all(), name="journal")
        await waiter
        if self.listeners:
            for change in changes:
                if type(change) is Insert and type(change.record) is Event:
                    for listener in self.listeners:
                        listener(change.record)

    def hurry(self) -> None:
        """The process ends: writes do not wait for a lost database any more."""
        self._hurried.set()

    async def close(self) -> None:
        """Accept no more writes and return when the accepted ones have their outcomes."""
        self._closed = True
        self.hurry()
        if self._drain is not None:
            await asyncio.shield(self._drain)

    async def _commit_all(self) -> None:
        await asyncio.sleep(0)  # what other tasks write in this turn of the loop joins the first batch
        try:
            while batch := self._take():
                await self._commit(batch)
        finally:
            self._drain = None

    def _take(self) -> list[Write]:
        batch: list[Write] = []
        size = 0
        while self._pending and (not batch or size + len(self._pending[0].steps) <= MAX_BATCH):
            write = self._pending.popleft()
            size += len(write.steps)
            batch.append(write)
        return batch

    async def _commit(self, batch: list[Write]) -> None:
        """Commit ``batch`` and set the outcome of every write, whatever happens."""
        loop = asyncio.get_running_loop()
        give_up_at = loop.time() + self._patience
        pause = _FIRST_PAUSE
        left = batch
        error: Exception
        while True:
            known = self._database.trouble
            try:
                await self._database.backend.commit(left)
                self.commits += 1
                self._database.note_success(known)
                return
            except Unreachable as lost:
                left = [write for write in left if not write.settled]
                error = self._database.unavailable(lost)
                error.__cause__ = lost
                if (
                    isinstance(lost, DatabaseMissing)
                    or self._hurried.is_set()
                    or loop.time() + pause > give_up_at
                ):
                    break
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._hurried.wait(), pause)
                pause = min(pause * 2, _LONGEST_PAUSE)
            except Exception as unforeseen:  # report it to the waiters; the journal continues
                error = unforeseen
                break
        for write in left:
            if not write.settled:
                write.settle(error)

    def _insert(self, change: Insert) -> Step:
        record = change.record
        kind = type(record)
        codec = self._database.codecs.of(kind)
        known = self._statements.kept((Insert, kind), lambda: self._make_insert(codec))
        name = record.name if isinstance(record, Stack) else ""
        return Step(known, codec.row(record), (codec.table.name, record.id), stack_name=name)

    def _make_insert(self, codec: Codec[Any]) -> Statement:
        statement = self._statements.once(codec.table.insert(), codec.stored)
        assert statement.order == codec.stored
        return statement

    async def _steps_of(self, changes: Sequence[Change]) -> list[Step]:
        """What the changes are as statements, made in several turns of the event loop if they are many."""
        steps: list[Step] = []
        for count, change in enumerate(changes, 1):
            if isinstance(change, PutDocument):
                steps.append(await self._put_document(change))
            elif self._is_heavy(change):
                steps.append(await asyncio.to_thread(self._steps[type(change)], change))
            else:
                steps.append(self._steps[type(change)](change))
            if count % _AT_ONCE == 0:
                await asyncio.sleep(0)
        return steps

    def _is_heavy(self, change: Change) -> bool:
        """Whether encoding a change would block the event loop for milliseconds."""
        if isinstance(change, Update):
            return outweigh(change.values.values(), _HEAVY)
        if isinstance(change, Insert):
            return outweigh(self._database.codecs.of(type(change.record)).bulky_fields(change.record), _HEAVY)
        return False

    def _update(self, change: Update) -> Step:
        codec = self._database.codecs.of(change.kind)
        values = codec.flat(change.values)
        where = codec.flat(change.where) if change.where else {}
        absent = tuple(name for name, value in where.items() if value is None)
        signature = (change.kind, tuple(values), tuple(where), absent)
        known = self._statements.kept(
            signature, lambda: self._make_update(codec, tuple(values), tuple(where), absent)
        )
        given = {"of_id": change.id}
        given.update((f"set_{name}", value) for name, value in values.items())
        given.update((f"if_{name}", value) for name, value in where.items())
        args = tuple([given[name] for name in known.order])
        name = values.get("name", "") if change.kind is Stack else ""
        return Step(known, args, (codec.table.name, change.id), bool(where), name)

    def _make_update(
        self, codec: Codec[Any], values: tuple[str, ...], where: tuple[str, ...], absent: tuple[str, ...]
    ) -> Statement:
        columns = codec.table.c
        conditions = [
            columns[name].is_(None) if name in absent else columns[name] == bindparam(f"if_{name}")
            for name in where
        ]
        element = (
            update(codec.table)
            .where(columns.id == bindparam("of_id"), *conditions)
            .values({name: bindparam(f"set_{name}") for name in values})
        )
        judged_by_ids = where and not self._database.backend.counts_rows
        return self._statements.once(element.returning(columns.id) if judged_by_ids else element)

    def _remove(self, change: Remove) -> Step:
        table = self._database.codecs.of(change.kind).table
        known = self._statements.kept(
            (Remove, change.kind),
            lambda: self._statements.once(delete(table).where(table.c.id == bindparam("of_id"))),
        )
        return Step(known, (change.id,), (table.name, change.id))

    def _stand(self, change: Stand) -> Step:
        table = tables.resources
        size = next(each for each in _STANDING_SIZES if each >= len(change.ids))

        def build() -> Statement:
            ids: list[Any] = [bindparam(f"id_{number}") for number in range(size)]
            element = update(table).where(table.c.id.in_(ids)).values(applied_from=bindparam("target"))
            return self._statements.once(element)

        known = self._statements.kept((Stand, size), build)
        padded = (*change.ids, *(change.ids[-1:] * (size - len(change.ids))))
        given = {"target": change.target} | {f"id_{number}": each for number, each in enumerate(padded)}
        args = tuple([given[name] for name in known.order])
        return Step(known, args, (table.name, change.ids[0]))

    def _seen(self, change: metrics.SeenMetric) -> Step:
        known = self._merging(metrics.SeenMetric, metrics.seen_statement)
        key = f"{change.project_id}/{change.metric.identity}"
        return Step(known, known.args(metrics.seen_values(change)), (tables.metrics.name, key))

    def _sample(self, change: metrics.Sample) -> Step:
        known = self._merging(metrics.Sample, metrics.sample_statement)
        key = f"{change.metric_id}/{change.at}"
        return Step(known, known.args(metrics.sample_values(change)), (tables.metric_samples.name, key))

    def _merging(self, kind: type[Any], build: Callable[[Any], CompilerElement]) -> Statement:
        """The statement that merges changes of a kind with what is stored."""
        insert = self._database.backend.insert
        return self._statements.kept(("merge", kind), lambda: self._statements.once(build(insert)))

    async def _put_document(self, change: PutDocument) -> Step:
        known = self._statements.kept(PutDocument, self._make_put_document)
        body, sealer = change.body, self._database.sealer
        large = len(body) > _LARGE_DOCUMENT
        row = {
            "project_id": change.project_id,
            "id": change.id,
            "body": await asyncio.to_thread(pack, body, sealer) if large else pack(body, sealer),
            "created_at": to_micros(self._database.clock()),
        }
        args = tuple([row[name] for name in known.order])
        return Step(known, args, (tables.documents.name, f"{change.project_id}/{change.id}"))

    def _make_put_document(self) -> Statement:
        insert = self._database.backend.insert(tables.documents)
        return self._statements.once(
            insert.on_conflict_do_update(
                index_elements=["project_id", "id"], set_={"created_at": insert.excluded.created_at}
            )
        )
