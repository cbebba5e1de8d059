"""Reads events, and removes the oldest ones."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import ColumnElement, Select, bindparam, delete, func, literal, select

from stackd.db import parts, resources
from stackd.db.codec import AT_ONCE, BRIEF_AT_ONCE
from stackd.db.database import Database
from stackd.db.parts import Part
from stackd.db.selection import Allowed, after_marker, frozen, marker_params, one_of, ordered
from stackd.db.stacks import FIRST, Page
from stackd.db.tables import events, stacks
from stackd.records import Event, Resource

_C = events.c
SORT_KEYS = frozenset({"time", "resource_type"})
_OF = _C.stack_id  # SQLAlchemy looks for it each time
_COLUMNS = {name: _C[name] for name in (*SORT_KEYS, "seq")}
FILTER_KEYS = frozenset({"status", "action", "resource_name", "resource_type"})
_OF_STACK = _C.stack_id == bindparam("stack")
_COUNT = select(func.count()).select_from(events).where(_OF_STACK)
_PURGE = (
    delete(events)
    .where(
        _C.seq.in_(
            select(_C.seq).where(_OF_STACK).order_by(_C.seq).limit(bindparam("most")).scalar_subquery()
        )
    )
    .returning(_C.seq)
)


_RECORDED = (
    select(_C.properties)
    .where(
        _OF_STACK,
        _C.seq <= bindparam("seq"),
        _C.resource_id == bindparam("row"),
        _C.properties.is_not(None),
    )
    .order_by(_C.seq.desc())
    .limit(1)
)
_LATEST = 2**62


@dataclass(frozen=True, slots=True, kw_only=True)
class EventFilter:
    """Which events of a stack a list shows.

    ``allowed`` maps names of ``FILTER_KEYS`` to allowed values. A ``nested_depth`` above 0 adds the events
    of nested stacks down to that depth, without deleted stacks.
    """

    nested_depth: int = 0
    allowed: Allowed = field(default_factory=dict)


ALL = EventFilter()


def _below(depth: int, *, live: bool = True) -> Select[Any]:
    """Ids of a stack and its descendants of the same project, down to ``depth``; by default the live ones."""
    alive = (stacks.c.deleted_at.is_(None),) if live else ()
    top = select(stacks.c.id, stacks.c.project_id, literal(0).label("level")).where(
        stacks.c.id == bindparam("stack"), *alive
    )
    found = top.cte("below", recursive=True)
    found = found.union_all(
        select(stacks.c.id, stacks.c.project_id, found.c.level + 1).where(
            stacks.c.parent_id == found.c.id,
            stacks.c.project_id == found.c.project_id,
            found.c.level < depth,
            *alive,
        )
    )
    return select(found.c.id)


async def listed(
    db: Database, stack_id: str, wanted: EventFilter = ALL, page: Page = FIRST, *, brief: bool = True
) -> list[Event]:
    """One page of events, the newest first unless ``page`` sets another order; ties in the order of storing.

    ``brief`` leaves out the properties.
    """
    depth = max(wanted.nested_depth, 0)
    marker: dict[str, Any] = {}
    if page.marker:
        # An event of another stack is an unknown marker; one of a deleted nested stack is not.
        around = _C.stack_id.in_(_below(depth, live=False)) if depth else _OF_STACK
        keys, order, _ = _order(page)
        statement = db.statements.variant(
            ("event marker", depth, keys), lambda: select(*order).where(_C.id == bindparam("id"), around)
        )
        rows = await db.fetch_statement(statement, {"id": page.marker, "stack": stack_id})
        marker = marker_params(rows[0]) if rows else {}
    part = page_of(db, wanted, page, marker, brief=brief)
    if not depth:
        return await parts.read(db, stack_id, part)
    statement = await db.statements.prepared(
        (part.key, depth), lambda: part.query().where(_C.stack_id.in_(_below(depth))), part.terms
    )
    rows = await db.fetch_statement(statement, {**part.params, "stack": stack_id})
    return await part.records(rows)


def page_of(
    db: Database, wanted: EventFilter, page: Page, marker: Mapping[str, Any], *, brief: bool = True
) -> Part[Event]:
    """The events of a stack, but not of those inside it, that ``listed`` shows; ``marker`` are its values."""
    keys, order, descending = _order(page)
    codec = db.codecs.events

    def build() -> Select[Any]:
        query = select(*(_C[name] for name in (codec.brief if brief else codec.columns)))
        query = query.where(*(one_of(_C[name], values) for name, values in wanted.allowed.items()))
        if marker:
            query = query.where(after_marker(order, descending=descending))
        if page.limit is not None:
            query = query.limit(bindparam("count"))
        return ordered(query, order, descending=descending)

    return Part(
        key=("events", brief, frozen(wanted.allowed), keys, descending, bool(marker), page.limit is None),
        of=_OF,
        query=build,
        record=codec.brief_record if brief else codec.record,
        at_once=BRIEF_AT_ONCE if brief else AT_ONCE,
        sealed=not brief,
        params={"count": page.rows, **marker},
        terms=sum(map(len, wanted.allowed.values())),
    )


def _order(page: Page) -> tuple[tuple[str, ...], tuple[ColumnElement[Any], ...], bool]:
    """The names of the keys by which a page is sorted, its columns, and whether they descend."""
    keys = tuple(dict.fromkeys(key for key in page.sort_keys if key in SORT_KEYS))
    descending = page.descending if page.descending is not None else not keys
    return keys, (*[_COLUMNS[key] for key in keys or ("time",)], _COLUMNS["seq"]), descending


async def get(db: Database, stack_id: str, event_id: str) -> Event | None:
    """One event of a stack."""
    codec = db.codecs.events
    statement = db.statements.variant(
        ("event",),
        lambda: select(*(_C[name] for name in codec.columns)).where(_C.id == bindparam("id"), _OF_STACK),
    )
    rows = await db.fetch_statement(statement, {"id": event_id, "stack": stack_id})
    return codec.record(rows[0]) if rows else None


async def properties_at(db: Database, event: Event) -> Mapping[str, Any] | None:
    """The properties of the resource at the time of ``event``: of the newest event up to it that has any.

    An event may have been dropped, or be older than such events are. Then they are those of the row as it is
    now, if no later event has others; else they are not known, which is None.
    """
    row = await _row_of(db, event)
    params = {"stack": event.stack_id, "row": row.id if row else event.resource_id or ""}
    recorded = await db.fetch(_RECORDED, params | {"seq": event.seq})
    if recorded:
        found: Mapping[str, Any] = db.codecs.events.value("properties", recorded[0][0])
        return found
    changed_later = await db.fetch(_RECORDED, params | {"seq": _LATEST})
    return row.properties if row is not None and not changed_later else None


async def _row_of(db: Database, event: Event) -> Resource | None:
    if event.resource_id is not None:
        return await resources.get(db, event.resource_id)
    rows = await resources.named(db, event.stack_id, event.resource_name)
    return rows[-1] if rows else None


async def count(db: Database, stack_id: str) -> int:
    """Number of events kept for a stack."""
    return int((await db.fetch(_COUNT, {"stack": stack_id}))[0][0])


async def purge(db: Database, stack_id: str, *, keep: int, batch: int) -> int:
    """Remove the oldest ``batch`` events if a stack has more than ``keep``; returns how many.

    A ``keep`` of 0 keeps all.
    """
    if keep <= 0 or await count(db, stack_id) <= keep:
        return 0
    return len(await db.modify(_PURGE, {"stack": stack_id, "most": batch}))
