"""Reads the progress of event delivery, and the events still to be delivered."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import bindparam, func, select

from stackd.db.database import Database
from stackd.db.tables import events, sinks
from stackd.records import Event, Sink

_E = events.c
_ALL = select(sinks.c.id)
_ONE = select(sinks.c.cursor).where(sinks.c.id == bindparam("root"))
_LAST = select(func.max(_E.seq)).where(_E.root_id == bindparam("root"))


async def roots(db: Database) -> list[str]:
    """The ids of all roots whose events are delivered."""
    return [row[0] for row in await db.fetch(_ALL)]


async def get(db: Database, root_id: str) -> Sink | None:
    """The delivery progress of a tree's events; None if it has no sink."""
    rows = await db.fetch(_ONE, {"root": root_id})
    return Sink(id=root_id, cursor=int(rows[0][0])) if rows else None


async def last_event(db: Database, root_id: str) -> int:
    """The ``seq`` of the newest event of a tree."""
    return int((await db.fetch(_LAST, {"root": root_id}))[0][0] or 0)


async def undelivered(db: Database, sink: Sink, most: int) -> Sequence[Event]:
    """The oldest events of a tree after the cursor."""
    codec = db.codecs.events
    statement = db.statements.variant(
        ("undelivered",),
        lambda: (
            select(*(_E[name] for name in codec.brief))
            .where(_E.root_id == bindparam("root"), _E.seq > bindparam("after"))
            .order_by(_E.seq)
            .limit(bindparam("most"))
        ),
    )
    params = {"root": sink.id, "after": sink.cursor, "most": most}
    return [codec.brief_record(row) for row in await db.fetch_statement(statement, params)]
