"""Reads hook state: the pauses at resources."""

from __future__ import annotations

from sqlalchemy import bindparam, select

from stackd.db.database import Database
from stackd.db.tables import hooks, operations
from stackd.records import Hook, HookState

_C = hooks.c
_OPEN = select(operations.c.id).where(operations.c.root_id == bindparam("root"), operations.c.state != "done")
_CONDITIONS = {
    "of root": (),
    "pending": (_C.state == HookState.PENDING.value, _C.operation_id.in_(_OPEN)),
}


async def _found(db: Database, which: str, root_id: str) -> list[Hook]:
    codec = db.codecs.hooks
    statement = db.statements.variant(
        ("hooks", which),
        lambda: (
            select(*(_C[name] for name in codec.columns))
            .where(_C.root_id == bindparam("root"), *_CONDITIONS[which])
            .order_by(_C.id)
        ),
    )
    return [codec.record(row) for row in await db.fetch_statement(statement, {"root": root_id})]


async def of_root(db: Database, root_id: str) -> list[Hook]:
    """The stored hook state of a tree of stacks."""
    return await _found(db, "of root", root_id)


async def pending(db: Database, root_id: str) -> list[Hook]:
    """The hooks in a tree that wait for the user, without those that an ended operation left."""
    return await _found(db, "pending", root_id)
