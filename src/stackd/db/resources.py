"""Reads resources. They have no project of their own: access to the stack is access to them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy import ColumnElement, Select, bindparam, func, or_, select

from stackd.db import parts
from stackd.db.codec import AT_ONCE, BRIEF_AT_ONCE, SEALED_NAME, to_json
from stackd.db.database import Database
from stackd.db.parts import STACK_ID, Part
from stackd.db.selection import place_of
from stackd.db.tables import resources, stacks
from stackd.records import Hidden, Resource

_C = resources.c
_OF = _C.stack_id  # SQLAlchemy looks for it each time
_ORDER = (_C.name, _C.created_at, _C.id)
_BY = {
    "id": _C.id == bindparam("value"),
    "root": _C.root_id == bindparam("value"),
    "physical": _C.physical_id == bindparam("value"),
    "nested": _C.nested_stack_id == bindparam("value"),
}
_HAS_SEALED_ID = _C.physical_id.like(f"{SEALED_NAME}%")
_NAMED = _C.name == bindparam("name")
_REQUIRING = _C.name.in_(
    select(_C.name).where(_C.stack_id == STACK_ID, place_of(_C.requires, bindparam("element")) > 0)
)
_SIZES = select(_C.stack_id, func.count()).where(_BY["root"], _C.replaced_by.is_(None)).group_by(_C.stack_id)
_Selects = dict[tuple[str, ...], Select[Any]]
_selects: _Selects = {}
_INSIDE = (
    _C.kind == bindparam("kind"),
    _C.stack_id.in_(select(_C.nested_stack_id).where(_C.stack_id == bindparam("around"))),
)


def _select(columns: tuple[str, ...], by: str, *where: ColumnElement[bool]) -> Select[Any]:
    known = _selects.get((by, *columns))
    if known is None:
        chosen = select(*(_C[name] for name in columns)).where(*where).order_by(*_ORDER)
        known = _selects[(by, *columns)] = chosen
    return known


async def _found(db: Database, by: str, value: str, *, brief: bool = False) -> list[Resource]:
    columns, record, at_once = _reading(db, brief=brief)
    rows = await db.fetch(_select(columns, by, _BY[by]), {"value": value})
    return await parts.made_records(record, rows, at_once, sealed=not brief)


def _reading(db: Database, *, brief: bool) -> tuple[tuple[str, ...], Callable[[Any], Resource], int]:
    """The columns, the function that makes a record of a row of them, and for how many rows at once."""
    codec = db.codecs.resources
    if brief:
        return codec.brief, codec.brief_record, BRIEF_AT_ONCE
    return codec.columns, codec.record, AT_ONCE


def _part(db: Database, key: str, *where: ColumnElement[bool], brief: bool, **params: str) -> Part[Resource]:
    columns, record, at_once = _reading(db, brief=brief)
    return Part(
        key=("resources", key, brief),
        of=_OF,
        query=lambda: select(*(_C[name] for name in columns)).where(*where).order_by(*_ORDER),
        record=record,
        at_once=at_once,
        params=params,
        sealed=not brief,
    )


def all_of(db: Database, *, brief: bool = False) -> Part[Resource]:
    """All rows of a stack by name, replaced ones included.

    ``brief`` leaves out what is encrypted: properties, attributes and data are empty then.
    """
    return _part(db, "all", brief=brief)


def named_as(db: Database, name: str) -> Part[Resource]:
    """The rows of one logical name, oldest first; several while a replacement is under way."""
    return _part(db, "named", _NAMED, brief=False, name=name)


def requiring(db: Database, name: str) -> Part[Resource]:
    """The rows of all names of a stack that may require this name directly, without what is encrypted."""
    return _part(db, "requiring", _REQUIRING, brief=True, element=to_json(name).decode())


async def of_stack(db: Database, stack_id: str, *, brief: bool = False) -> list[Resource]:
    """See ``all_of``."""
    return await parts.read(db, stack_id, all_of(db, brief=brief))


async def named(db: Database, stack_id: str, name: str) -> list[Resource]:
    """See ``named_as``."""
    return await parts.read(db, stack_id, named_as(db, name))


async def of_tree(db: Database, root_id: str, *, brief: bool = False) -> list[Resource]:
    """All rows of a root stack and the stacks below it."""
    return await _found(db, "root", root_id, brief=brief)


async def get(db: Database, id_: str) -> Resource | None:
    """One row."""
    found = await _found(db, "id", id_)
    return found[0] if found else None


async def with_physical_id(db: Database, physical_id: str) -> list[Resource]:
    """The rows of all stacks of all projects that name an object in the cloud."""
    if not isinstance(physical_id, Hidden):
        return await _found(db, "physical", physical_id)
    # What is encrypted twice differs: the few that there are must be read.
    codec = db.codecs.resources
    rows = await db.fetch(_select(codec.columns, "sealed id", _HAS_SEALED_ID))
    return [row for row in map(codec.record, rows) if row.physical_id == physical_id]


async def of_nested_stack(db: Database, stack_id: str) -> Resource | None:
    """The parent resource of a nested stack."""
    found = await _found(db, "nested", stack_id)
    return found[-1] if found else None


async def inside(db: Database, stack_id: str, kind: str) -> list[Resource]:
    """The rows of a type in the nested stacks right inside a stack."""
    columns, record, at_once = _reading(db, brief=False)
    rows = await db.fetch(_select(columns, "inside", *_INSIDE), {"kind": kind, "around": stack_id})
    return await parts.made_records(record, rows, at_once, sealed=True)


async def in_stacks_named(db: Database, stack: str, name: str, most: int) -> list[Resource]:
    """Rows of a logical name in the live stacks of a name, or id, of all projects; oldest stacks first."""
    columns, record, at_once = _reading(db, brief=False)
    query = (
        select(*(_C[each] for each in columns))
        .join(stacks, stacks.c.id == _C.stack_id)
        .where(or_(stacks.c.name == bindparam("stack"), stacks.c.id == bindparam("stack")))
        .where(_NAMED, stacks.c.deleted_at.is_(None))
        .order_by(stacks.c.created_at, *_ORDER)
        .limit(bindparam("most"))
    )
    statement = db.statements.variant("resources in stacks named", lambda: query)
    rows = await db.fetch_statement(statement, {"stack": stack, "name": name, "most": most})
    return await parts.made_records(record, rows, at_once, sealed=True)


async def sizes(db: Database, root_id: str) -> dict[str, int]:
    """Number of rows in each stack of a tree, without replaced ones."""
    return {stack_id: int(count) for stack_id, count in await db.fetch(_SIZES, {"value": root_id})}
