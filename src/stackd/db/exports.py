"""Reading what stacks export to the other stacks of their project, and who imports it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, bindparam, select

from stackd.db.database import Database
from stackd.db.tables import exports, imports, stacks
from stackd.records import Export, Import

_E = exports.c
_I = imports.c
_NAMES_AT_ONCE = 200
_IMPORTERS = (
    select(_I.name, _I.stack_id, stacks.c.name, _I.root_id)
    .join(stacks, stacks.c.id == _I.stack_id)
    .where(_I.project_id == bindparam("project"))
    .order_by(stacks.c.name, _I.stack_id)
)
_IMPORTERS_OF_NAME = _IMPORTERS.where(_I.name == bindparam("name"))


@dataclass(frozen=True, slots=True)
class Importer:
    """A live stack that uses an export."""

    export: str
    stack_id: str
    stack_name: str
    root_id: str


def export_id(project_id: str, name: str) -> str:
    """The id of the export of a name, unique in a project."""
    return f"{project_id}/{name}"


def import_id(stack_id: str, name: str) -> str:
    """The id of a stack's use of an export."""
    return f"{stack_id}/{name}"


async def of_project(db: Database, project_id: str, *, after: str = "", limit: int = 1000) -> list[Export]:
    """The exports of a project that have a value, by name; ``after`` is the last name already seen."""
    codec = db.codecs.exports

    def build() -> Select[Any]:
        return (
            select(*(_E[name] for name in codec.columns))
            .where(_E.project_id == bindparam("project"), _E.name > bindparam("after"), _E.offered.is_(True))
            .order_by(_E.name)
            .limit(bindparam("count"))
        )

    params = {"project": project_id, "after": after, "count": limit}
    rows = await db.fetch_statement(db.statements.variant("exports of project", build), params)
    return [codec.record(row) for row in rows]


async def named(db: Database, project_id: str, names: Collection[str]) -> dict[str, Export]:
    """The exports of a project that have one of these names; also those that are only reserved."""
    codec = db.codecs.exports
    found: dict[str, Export] = {}
    ids = sorted(export_id(project_id, name) for name in names)
    for start in range(0, len(ids), _NAMES_AT_ONCE):
        some = ids[start : start + _NAMES_AT_ONCE]
        rows = await db.fetch_once(select(*(_E[name] for name in codec.columns)).where(_E.id.in_(some)))
        found |= {export.name: export for export in map(codec.record, rows)}
    return found


async def of_stack(db: Database, stack_id: str) -> list[Export]:
    """The exports of a stack, reserved ones included, by name."""
    return await _held(db, "stack_id", stack_id)


async def of_root(db: Database, root_id: str) -> list[Export]:
    """The exports of the stacks of a tree, reserved ones included, by name."""
    return await _held(db, "root_id", root_id)


async def _held(db: Database, column: str, value: str) -> list[Export]:
    codec = db.codecs.exports

    def build() -> Select[Any]:
        columns = [_E[name] for name in codec.columns]
        return select(*columns).where(_E[column] == bindparam("value")).order_by(_E.name)

    rows = await db.fetch_statement(db.statements.variant(("exports", column), build), {"value": value})
    return [codec.record(row) for row in rows]


async def used_by_stack(db: Database, stack_id: str) -> list[Import]:
    """The imports of a stack, by name."""
    return await _used(db, "stack_id", stack_id)


async def used_by_root(db: Database, root_id: str) -> list[Import]:
    """The imports of the stacks of a tree, by name."""
    return await _used(db, "root_id", root_id)


async def _used(db: Database, column: str, value: str) -> list[Import]:
    codec = db.codecs.imports

    def build() -> Select[Any]:
        columns = [_I[name] for name in codec.columns]
        return select(*columns).where(_I[column] == bindparam("value")).order_by(_I.name, _I.id)

    rows = await db.fetch_statement(db.statements.variant(("imports", column), build), {"value": value})
    return [codec.record(row) for row in rows]


async def importers(db: Database, project_id: str, name: str) -> list[Importer]:
    """The stacks that import a name, by their own names."""
    rows = await db.fetch(_IMPORTERS_OF_NAME, {"project": project_id, "name": name})
    return [Importer(*row) for row in rows]
