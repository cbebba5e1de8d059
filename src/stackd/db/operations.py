"""Reads operations: accepted, unfinished, and orphaned ones."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import ColumnElement, bindparam, or_, select

from stackd.db.codec import to_micros
from stackd.db.database import Database
from stackd.db.tables import operations, stacks
from stackd.records import Operation

_C = operations.c
_S = stacks.c
_OPEN = _C.state != "done"
_ORPHANED = _C.root_id.in_(
    select(_S.id).where(
        _S.id == _S.root_id,
        or_(_S.engine_id.is_(None), _S.lease_until.is_(None), _S.lease_until <= bindparam("now")),
    )
)
_CONDITIONS: dict[str, tuple[ColumnElement[bool], ...]] = {
    "id": (_C.id == bindparam("id"),),
    "of root": (_C.root_id == bindparam("root"),),
    "open of root": (_C.root_id == bindparam("root"), _OPEN),
    "open": (_OPEN,),
    "orphaned": (_OPEN, _ORPHANED),
}


async def _found(db: Database, which: str, params: Mapping[str, Any]) -> list[Operation]:
    codec = db.codecs.operations
    statement = db.statements.variant(
        ("operations", which),
        lambda: (
            select(*(_C[name] for name in codec.columns))
            .where(*_CONDITIONS[which])
            .order_by(_C.created_at, _C.id)
        ),
    )
    return [codec.record(row) for row in await db.fetch_statement(statement, params)]


async def get(db: Database, operation_id: str) -> Operation | None:
    """One operation."""
    found = await _found(db, "id", {"id": operation_id})
    return found[0] if found else None


async def of_root(db: Database, root_id: str, *, unfinished: bool = True) -> list[Operation]:
    """The operations on a tree, oldest first; by default those that are queued or running."""
    return await _found(db, "open of root" if unfinished else "of root", {"root": root_id})


async def unfinished(db: Database) -> list[Operation]:
    """All queued or running operations, of every engine."""
    return await _found(db, "open", {})


async def orphaned(db: Database) -> list[Operation]:
    """Orphaned operations: unfinished, on trees without a valid lease. They are to be resumed."""
    return await _found(db, "orphaned", {"now": to_micros(db.clock())})
