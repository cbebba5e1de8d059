"""Reads resources. They have no project of their own: access to the stack is access to them."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, Select, bindparam, func, select

from stackd.db.codec import AT_ONCE, BRIEF_AT_ONCE, SEALED_NAME, Codec, to_json
from stackd.db.database import Database
from stackd.db.tables import resources
from stackd.offload import in_turns
from stackd.records import Hidden, Resource

_C = resources.c
_ORDER = (_C.name, _C.created_at, _C.id)
_BY = {
    "id": _C.id == bindparam("value"),
    "stack": _C.stack_id == bindparam("value"),
    "root": _C.root_id == bindparam("value"),
    "physical": _C.physical_id == bindparam("value"),
    "nested": _C.nested_stack_id == bindparam("value"),
}
_HAS_SEALED_ID = _C.physical_id.like(f"{SEALED_NAME}%")
_NAMED = (_C.stack_id == bindparam("value"), _C.name == bindparam("name"))
_REQUIRING = (
    _C.stack_id == bindparam("value"),
    _C.name.in_(
        select(_C.name).where(
            _C.stack_id == bindparam("value"), _C.requires.like(bindparam("pattern"), escape="\\")
        )
    ),
)
_LIKE = str.maketrans({"\\": "\\\\", "%": "\\%", "_": "\\_"})
_SIZES = select(_C.stack_id, func.count()).where(_BY["root"], _C.replaced_by.is_(None)).group_by(_C.stack_id)
_Selects = dict[tuple[str, ...], Select[Any]]
_selects: _Selects = {}


def _select(columns: tuple[str, ...], by: str, *where: ColumnElement[bool]) -> Select[Any]:
    known = _selects.get((by, *columns))
    if known is None:
        chosen = select(*(_C[name] for name in columns)).where(*where).order_by(*_ORDER)
        known = _selects[(by, *columns)] = chosen
    return known


def _codec(db: Database) -> Codec[Resource]:
    return db.codecs.resources


async def _found(db: Database, by: str, value: str, *, brief: bool = False) -> list[Resource]:
    codec = _codec(db)
    columns, record = (codec.brief, codec.brief_record) if brief else (codec.columns, codec.record)
    rows = await db.fetch(_select(columns, by, _BY[by]), {"value": value})
    return await in_turns(record, rows, BRIEF_AT_ONCE if brief else AT_ONCE)


async def of_stack(db: Database, stack_id: str, *, brief: bool = False) -> list[Resource]:
    """All rows of a stack by name, replaced ones included.

    ``brief`` leaves out what is encrypted: properties, attributes and data are empty then.
    """
    return await _found(db, "stack", stack_id, brief=brief)


async def of_tree(db: Database, root_id: str, *, brief: bool = False) -> list[Resource]:
    """All rows of a root stack and the stacks below it."""
    return await _found(db, "root", root_id, brief=brief)


async def get(db: Database, id_: str) -> Resource | None:
    """One row."""
    found = await _found(db, "id", id_)
    return found[0] if found else None


async def named(db: Database, stack_id: str, name: str) -> list[Resource]:
    """The rows of one logical name, oldest first; several while a replacement is under way."""
    codec = _codec(db)
    rows = await db.fetch(_select(codec.columns, "name", *_NAMED), {"value": stack_id, "name": name})
    return [codec.record(row) for row in rows]


async def requiring(db: Database, stack_id: str, name: str) -> list[Resource]:
    """The rows of all names of a stack that may require this name directly, without what is encrypted."""
    codec = _codec(db)
    pattern = f"%{to_json(name).decode().translate(_LIKE)}%"  # as an element of the stored list
    query = _select(codec.brief, "requiring", *_REQUIRING)
    rows = await db.fetch(query, {"value": stack_id, "pattern": pattern})
    return [codec.brief_record(row) for row in rows]


async def with_physical_id(db: Database, physical_id: str) -> list[Resource]:
    """The rows of all stacks of all projects that name an object in the cloud."""
    if not isinstance(physical_id, Hidden):
        return await _found(db, "physical", physical_id)
    # What is encrypted twice differs: the few that there are must be read.
    codec = _codec(db)
    rows = await db.fetch(_select(codec.columns, "sealed id", _HAS_SEALED_ID))
    return [row for row in map(codec.record, rows) if row.physical_id == physical_id]


async def of_nested_stack(db: Database, stack_id: str) -> Resource | None:
    """The parent resource of a nested stack."""
    found = await _found(db, "nested", stack_id)
    return found[-1] if found else None


async def sizes(db: Database, root_id: str) -> dict[str, int]:
    """Number of rows in each stack of a tree, without replaced ones."""
    return {stack_id: int(count) for stack_id, count in await db.fetch(_SIZES, {"value": root_id})}
