"""The processes that share the database, by their heartbeats."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import bindparam, delete, insert, select, update

from stackd.db.codec import from_micros, to_micros
from stackd.db.database import Database
from stackd.db.tables import engines

_C = engines.c
_BEAT = update(engines).where(_C.id == bindparam("engine")).values(seen_at=bindparam("now")).returning(_C.id)
_ALL = select(_C.id, _C.host, _C.started_at, _C.seen_at, _C.report_interval).order_by(_C.started_at, _C.id)
_JOIN = (
    insert(engines)
    .values({name: bindparam(name) for name in ("id", "host", "started_at", "seen_at", "report_interval")})
    .returning(_C.id)
)
_LEAVE = delete(engines).where(_C.id == bindparam("engine")).returning(_C.id)
_FORGET = delete(engines).where(_C.seen_at < bindparam("before")).returning(_C.id)


@dataclass(frozen=True, slots=True, kw_only=True)
class Engine:
    """One process: its host, its start, and its last heartbeat."""

    id: str
    host: str
    started_at: datetime
    seen_at: datetime
    report_interval: int


async def beat(db: Database, engine_id: str, host: str, report_interval: int) -> None:
    """Store the heartbeat of a process; the first one registers it."""
    now = to_micros(db.clock())
    if await db.modify(_BEAT, {"engine": engine_id, "now": now}):
        return
    row = {
        "id": engine_id,
        "host": host,
        "started_at": now,
        "seen_at": now,
        "report_interval": report_interval,
    }
    await db.modify(_JOIN, row)


async def known(db: Database) -> list[Engine]:
    """All registered processes, oldest first."""
    return [
        Engine(
            id=row[0],
            host=row[1],
            started_at=from_micros(row[2]),
            seen_at=from_micros(row[3]),
            report_interval=row[4],
        )
        for row in await db.fetch(_ALL)
    ]


async def leave(db: Database, engine_id: str) -> None:
    """Remove a process that stops."""
    await db.modify(_LEAVE, {"engine": engine_id})


async def forget(db: Database, older_than: timedelta) -> int:
    """Remove the processes without a heartbeat for so long; returns how many."""
    return len(await db.modify(_FORGET, {"before": to_micros(db.clock() - older_than)}))
