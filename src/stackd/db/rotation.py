"""Key rotation: encrypts everything again with the newest key, while servers run."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy import (
    Column,
    Integer,
    LargeBinary,
    Select,
    Table,
    Update,
    asc,
    bindparam,
    desc,
    func,
    literal,
    or_,
    select,
    tuple_,
    union,
    update,
)

from stackd.db import tables
from stackd.db.codec import PLAIN_MAPS, is_plain, resealed, sealed_name
from stackd.db.database import Database

_ROWS_AT_ONCE = 200
_TABLES = {name: tables.metadata.tables[name] for name in tables.sealed_columns()}


def _keys(table: Table) -> list[Any]:
    return list(table.primary_key.columns)


def _page(table: Table, columns: tuple[str, ...]) -> Select[Any]:
    keys = _keys(table)
    behind = tuple_(*keys) > tuple_(*(bindparam(f"after_{key.name}", type_=key.type) for key in keys))
    return (
        select(*keys, *(table.c[name] for name in columns)).where(behind).order_by(*keys).limit(_ROWS_AT_ONCE)
    )


def _replace(table: Table, column: str) -> Update:
    """Only where the value is unchanged: values written meanwhile have the newest key already."""
    same = [key == bindparam(f"of_{key.name}") for key in _keys(table)]
    change = update(table).where(*same, table.c[column] == bindparam("old"))
    return change.values({column: bindparam("new")}).returning(_keys(table)[0])


_PAGES = {name: _page(table, tables.sealed_columns()[name]) for name, table in _TABLES.items()}
_REPLACE = {
    (name, column): _replace(_TABLES[name], column)
    for name, columns in tables.sealed_columns().items()
    for column in columns
}


_R = tables.resources.c
_FIRST = func.substr(_R.metadata, 1, 1, type_=LargeBinary)
_PLAIN = (
    select(_R.id, _R.metadata)
    .where(or_(*(literal(mark, LargeBinary) == _FIRST for mark in PLAIN_MAPS)))
    .limit(_ROWS_AT_ONCE)
)


_SIGNED = (
    select(_R.id, _R.type, _R.kind)
    .where(or_(*(column.like("http%://%?%") for column in (_R.type, _R.kind))))
    .limit(_ROWS_AT_ONCE)
)


_ENDS = 50
"""Rows at either end of a table that show with which keys it was encrypted: all would take long to read."""

_SAMPLED = (
    tables.documents.c.body,
    tables.resources.c.properties,
    tables.events.c.properties,
    tables.credentials.c.trust_id,
    tables.software_configs.c.content,
    tables.alarms.c.configuration,
)
"""One column of every table whose rows exist without those of another one."""


def _beginnings(column: Column[Any], length: int, order: Callable[[Any], Any]) -> Select[Any]:
    """The first bytes of what is encrypted at one end of a table."""
    rows = select(column.label("sealed")).order_by(*map(order, _keys(column.table))).limit(_ENDS).subquery()
    return select(func.substr(rows.c.sealed, 1, length, type_=LargeBinary)).where(rows.c.sealed.is_not(None))


async def sealed_beginnings(db: Database, length: int) -> set[bytes]:
    """The different first ``length`` bytes of encrypted values; a few in every table are read."""
    rows = await db.fetch_once(
        union(*(_beginnings(each, length, order) for each in _SAMPLED for order in (asc, desc)))
    )
    return {start for row in rows if not is_plain(start := bytes(row[0]))}


async def reseal(db: Database) -> int:
    """Seal every encrypted value again; returns how many were. Old keys are not needed afterwards."""
    return sum([await _reseal_table(db, table) for table in _TABLES.values()])


async def _reseal_table(db: Database, table: Table) -> int:
    keys = [key.name for key in _keys(table)]
    columns = tables.sealed_columns()[table.name]
    place = tuple(-1 if isinstance(key.type, Integer) else "" for key in _keys(table))
    done = 0
    while rows := await db.fetch(_PAGES[table.name], _named("after", keys, place)):
        for row in rows:
            place = tuple(row[: len(keys)])
            for column, old in zip(columns, row[len(keys) :], strict=True):
                new = None if old is None else resealed(old, db.sealer)
                if new is None:
                    continue
                params = _named("of", keys, place) | {"old": old, "new": new}
                done += len(await db.modify(_REPLACE[table.name, column], params))
    return done


async def seal_metadata(db: Database) -> int:
    """Seal the metadata of resources that an older version stored as plain text; returns how many were.

    Once that is done, a start costs one pass over the first bytes of the column.
    """
    done = 0
    while rows := await db.fetch(_PLAIN):
        for id_, old in rows:
            params = {"of_id": id_, "old": old, "new": resealed(old, db.sealer)}
            done += len(await db.modify(_REPLACE["resources", "metadata"], params))
    return done


async def seal_types(db: Database) -> int:
    """Seal types that are URLs with a query and that an older version stored as plain text."""
    done = 0
    while rows := await db.fetch(_SIGNED):
        for id_, *names in rows:
            for column, old in zip(("type", "kind"), names, strict=True):
                if "://" in old and "?" in old:
                    params = {"of_id": id_, "old": old, "new": sealed_name(old, db.sealer)}
                    done += len(await db.modify(_REPLACE["resources", column], params))
    return done


def _named(prefix: str, keys: list[str], values: tuple[Any, ...]) -> dict[str, Any]:
    return {f"{prefix}_{key}": value for key, value in zip(keys, values, strict=True)}
