"""Shared parts of list queries: filters, order, and paging from a marker."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, bindparam, false, or_
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import GenericFunction
from sqlalchemy.types import Boolean, Integer

Allowed = Mapping[str, Sequence[Any]]


class has_tag(GenericFunction[bool]):  # noqa: N801 - reads as the SQL function it is
    """Whether a JSON array of strings, or NULL, has an element."""

    type = Boolean()
    inherit_cache = True


@compiles(has_tag, "sqlite")
def _has_tag_sqlite(element: has_tag, compiler: SQLCompiler, **options: Any) -> str:
    tags, tag = (compiler.process(clause, **options) for clause in element.clauses)
    return f"EXISTS (SELECT 1 FROM json_each({tags}) WHERE value = {tag})"  # noqa: S608 - both are SQL that SQLAlchemy made


@compiles(has_tag, "postgresql")
def _has_tag_postgresql(element: has_tag, compiler: SQLCompiler, **options: Any) -> str:
    tags, tag = (compiler.process(clause, **options) for clause in element.clauses)
    return f"COALESCE(jsonb_exists(({tags})::jsonb, {tag}), FALSE)"


class place_of(GenericFunction[int]):  # noqa: N801 - reads as the SQL function it is
    """Where in a text another one begins, from 1; 0 if it is not in it, NULL if the first is NULL.

    With a LIKE, SQLite compiles the statement anew for each pattern, which takes longer than to run it.
    """

    type = Integer()
    inherit_cache = True


@compiles(place_of, "sqlite")
def _place_of_sqlite(element: place_of, compiler: SQLCompiler, **options: Any) -> str:
    return f"instr({compiler.process(element.clauses, **options)})"


@compiles(place_of, "postgresql")
def _place_of_postgresql(element: place_of, compiler: SQLCompiler, **options: Any) -> str:
    return f"strpos({compiler.process(element.clauses, **options)})"


def frozen(allowed: Allowed) -> tuple[tuple[str, tuple[Any, ...]], ...]:
    """``allowed`` as a key for a cache."""
    return tuple(sorted((name, tuple(values)) for name, values in allowed.items()))


def one_of(column: ColumnElement[Any], values: Sequence[Any]) -> ColumnElement[bool]:
    """The column has one of ``values``; ``None`` among them stands for NULL."""
    # No IN: SQLAlchemy fills it in when a statement runs, and ours are compiled before.
    return or_(false(), *(column.is_(None) if value is None else column == value for value in values))


def after_marker(order: Sequence[ColumnElement[Any]], *, descending: bool) -> ColumnElement[bool]:
    """The condition that a row follows the marker; the marker's values are parameters ``marker_0`` ..."""
    places = [(column, bindparam(f"marker_{at}", type_=column.type)) for at, column in enumerate(order)]
    alternatives = []
    for at, (column, value) in enumerate(places):
        behind = column < value if descending else column > value
        alternatives.append(and_(*(same == other for same, other in places[:at]), behind))
    return or_(*alternatives)


def ordered(query: Select[Any], order: Sequence[ColumnElement[Any]], *, descending: bool) -> Select[Any]:
    """``query`` in an order, all its columns in the same direction."""
    return query.order_by(*(column.desc() if descending else column.asc() for column in order))


def marker_params(row: Sequence[Any]) -> dict[str, Any]:
    """The parameters of ``after_marker`` from the marker's own row."""
    return {f"marker_{at}": value for at, value in enumerate(row)}
