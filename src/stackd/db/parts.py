"""Rows that belong to a stack: read by themselves, or together with the stack."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from sqlalchemy import ColumnElement, Select, bindparam

from stackd.db.database import Database
from stackd.offload import in_turns

R = TypeVar("R")

STACK_ID: ColumnElement[str] = bindparam("stack")
"""The id of the stack in queries of its parts."""


@dataclass(frozen=True, slots=True)
class Part(Generic[R]):
    """A query of rows that belong to a stack, without the condition which one that is.

    ``key`` is whatever the query depends on but its parameters, ``of`` the column with the stack's id,
    ``at_once`` the number of rows that are made records in one turn of the event loop. ``terms`` are values
    that are compared, which make a statement of many long to build.
    """

    key: Hashable
    of: ColumnElement[Any]
    query: Callable[[], Select[Any]]
    record: Callable[[Sequence[Any]], R]
    at_once: int
    params: Mapping[str, Any] = field(default_factory=dict)
    terms: int = 0

    async def records(self, rows: Sequence[Sequence[Any]]) -> list[R]:
        """The records of rows that were read."""
        return await in_turns(self.record, rows, self.at_once)


async def read(db: Database, stack_id: str, part: Part[R]) -> list[R]:
    """The rows of one stack."""
    statement = await db.prepared(part.key, lambda: part.query().where(part.of == STACK_ID), part.terms)
    return await part.records(await db.fetch_statement(statement, {**part.params, "stack": stack_id}))
