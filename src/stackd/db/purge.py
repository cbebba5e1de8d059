"""Purges deleted stacks with all their records.

Safe while servers run: it uses small transactions, and removes a document only when nothing
refers to it and it was not stored recently, so that a stack that is being created keeps its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import Table, bindparam, delete, select, tuple_

from stackd.db import tables
from stackd.db.codec import from_json, to_micros, unpack
from stackd.db.columns import DEFINITION_COLUMNS
from stackd.db.database import Database

_STACKS_AT_ONCE = 50
_ROWS_AT_ONCE = 500
_YOUNGEST_DOCUMENT = timedelta(days=1)

_OF_STACKS = (
    tables.resources,
    tables.events,
    tables.operations,
    tables.hooks,
    tables.exports,
    tables.imports,
    tables.plans,
    tables.change_sets,
    tables.request_tokens,
    tables.drift_detections,
    tables.resource_drifts,
    tables.snapshots,
)
_S = tables.stacks.c
_P = tables.plans.c
_N = tables.snapshots.c
_D = tables.documents.c
_DEAD = (
    select(_S.id).where(_S.deleted_at < bindparam("before")).order_by(_S.deleted_at).limit(_STACKS_AT_ONCE)
)
_MANIFESTS = (
    select(_S.project_id, _S.files)
    .where(_S.files != "")
    .union(
        select(_S.project_id, _S.previous_files).where(_S.previous_files != ""),
        select(_P.project_id, _P.files).where(_P.files != ""),
        select(_S.project_id, _N.files).where(_N.files != "", _N.stack_id == _S.id),
    )
)
_BODY = select(_D.body).where(_D.project_id == bindparam("project"), _D.id == bindparam("id"))
_OLD_DOCUMENTS = select(_D.project_id, _D.id).where(_D.created_at < bindparam("before"))


@dataclass(frozen=True, slots=True)
class Purged:
    """Numbers of removed records."""

    stacks: int
    documents: int


async def purge(db: Database, older_than: timedelta) -> Purged:
    """Remove the stacks deleted more than ``older_than`` ago, and the documents without references."""
    before = to_micros(db.clock() - older_than)
    gone = 0
    while ids := [row[0] for row in await db.fetch(_DEAD, {"before": before})]:
        for table in _OF_STACKS:
            await _remove(db, table, table.c.stack_id, ids)
        await _remove(db, tables.sinks, tables.sinks.c.id, ids)
        await _remove(db, tables.stacks, _S.id, ids)
        gone += len(ids)
    return Purged(gone, await _purge_documents(db, max(older_than, _YOUNGEST_DOCUMENT)))


async def _remove(db: Database, table: Table, column: Any, values: list[str]) -> None:
    await db.modify_once(delete(table).where(column.in_(values)))


async def _purge_documents(db: Database, older_than: timedelta) -> int:
    before = to_micros(db.clock() - older_than)
    old = {(row[0], row[1]) for row in await db.fetch(_OLD_DOCUMENTS, {"before": before})}
    unused = sorted(old - await _referenced(db)) if old else []
    for start in range(0, len(unused), _ROWS_AT_ONCE):
        some = unused[start : start + _ROWS_AT_ONCE]
        # It may have been stored again meanwhile: the statement that removes it checks its age.
        condition = tuple_(_D.project_id, _D.id).in_(some) & (_D.created_at < before)
        await db.modify_once(delete(tables.documents).where(condition))
        for key in some:
            db.documents.forget(key)
    return len(unused)


async def _referenced(db: Database) -> set[tuple[str, str]]:
    """Project and id of every document that a stack, a saved plan, a snapshot or a manifest names."""
    named: set[tuple[str, str]] = set()
    for group in DEFINITION_COLUMNS.values():
        for column in group:
            rows = await db.fetch_once(select(_S.project_id, _S[column]).distinct())
            named |= {(row[0], row[1]) for row in rows if row[1]}
    for column in DEFINITION_COLUMNS["definition"]:
        rows = await db.fetch_once(select(_P.project_id, _P[column]).distinct())
        named |= {(row[0], row[1]) for row in rows if row[1]}
    for column in (*DEFINITION_COLUMNS["definition"], "content"):
        of_snapshots = select(_S.project_id, _N[column]).where(_N.stack_id == _S.id)
        named |= {(row[0], row[1]) for row in await db.fetch_once(of_snapshots.distinct()) if row[1]}
    for project, manifest in await db.fetch(_MANIFESTS):
        for row in await db.fetch(_BODY, {"project": project, "id": manifest}):
            named |= {(project, id_) for id_ in from_json(unpack(row[0], db.sealer)).values()}
    return named
