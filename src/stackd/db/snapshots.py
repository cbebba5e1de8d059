"""Reads snapshots. What a request sees is within a project; what the engine works on is within a tree."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import ColumnElement, bindparam, func, select

from stackd.db.database import Database
from stackd.db.tables import snapshots
from stackd.records import Action, Snapshot, Status

_C = snapshots.c
_OF_PROJECT = _C.project_id == bindparam("project")
_OF_STACK = _C.stack_id == bindparam("stack")
_CONDITIONS: dict[str, tuple[ColumnElement[bool], ...]] = {
    "one of project": (_C.id == bindparam("id"), _OF_PROJECT),
    "of stack and project": (_OF_STACK, _OF_PROJECT),
    "of tree": (_C.root_id == bindparam("root"),),
    "going": (_C.action == Action.DELETE.value, _C.status == Status.IN_PROGRESS.value),
}
_COUNT = select(func.count()).where(_OF_STACK)


async def _found(db: Database, which: str, params: Mapping[str, Any]) -> list[Snapshot]:
    codec = db.codecs.snapshots
    statement = db.statements.variant(
        ("snapshots", which),
        lambda: (
            select(*(_C[name] for name in codec.columns))
            .where(*_CONDITIONS[which])
            .order_by(_C.created_at, _C.id)
        ),
    )
    return [codec.record(row) for row in await db.fetch_statement(statement, params)]


async def get(db: Database, snapshot_id: str, project_id: str) -> Snapshot | None:
    """One snapshot that was taken by the project; None if there is none with this id."""
    found = await _found(db, "one of project", {"id": snapshot_id, "project": project_id})
    return found[0] if found else None


async def listed(db: Database, stack_id: str, project_id: str) -> list[Snapshot]:
    """The snapshots of a stack that the project took, oldest first."""
    return await _found(db, "of stack and project", {"stack": stack_id, "project": project_id})


async def count(db: Database, stack_id: str) -> int:
    """How many snapshots a stack has, whoever took them."""
    rows = await db.fetch(_COUNT, {"stack": stack_id})
    return int(rows[0][0])


async def of_tree(db: Database, root_id: str) -> list[Snapshot]:
    """The snapshots of a root stack and of the stacks below it, whoever took them."""
    return await _found(db, "of tree", {"root": root_id})


async def going(db: Database) -> list[Snapshot]:
    """The snapshots of all stacks whose deletion has been accepted and not ended."""
    return await _found(db, "going", {})
