"""Rows that belong to a stack: read by themselves, or together with the stack."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Hashable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Generic, NamedTuple, TypeVar

from sqlalchemy import ColumnElement, Select, bindparam

from stackd.db.database import Database
from stackd.offload import in_thread

R = TypeVar("R")

_HEAVY = 100_000
"""Bytes that are decrypted and parsed in a millisecond or more; guests may send ten times as many."""

STACK_ID: ColumnElement[str] = bindparam("stack")
"""The id of the stack in queries of its parts."""


class Part(NamedTuple, Generic[R]):
    """A query of rows that belong to a stack, without the condition which one that is.

    ``key`` is whatever the query depends on but its parameters, ``of`` the column with the stack's id,
    ``at_once`` the number of rows that are made records in one turn of the event loop. ``terms`` are values
    that are compared, which make a statement of many long to build. ``sealed`` is whether rows have anything
    encrypted.
    """

    key: Hashable
    of: ColumnElement[Any]
    query: Callable[[], Select[Any]]
    record: Callable[[Sequence[Any]], R]
    at_once: int
    params: Mapping[str, Any] = MappingProxyType({})
    terms: int = 0
    sealed: bool = False

    async def records(self, rows: Sequence[Sequence[Any]]) -> list[R]:
        """The records of rows that were read."""
        return await made_records(self.record, rows, self.at_once, sealed=self.sealed)


async def made_records(
    record: Callable[[Sequence[Any]], R], rows: Sequence[Sequence[Any]], at_once: int, *, sealed: bool
) -> list[R]:
    """The records of rows; made in a thread if what is encrypted in one takes long."""

    def make(chunk: Sequence[Sequence[Any]]) -> list[R]:
        return [record(row) for row in chunk]

    made: list[R] = []
    for start in range(0, len(rows), at_once):
        chunk = rows[start : start + at_once]
        if sealed and any(_weight(row) > _HEAVY for row in chunk):
            made += await in_thread(make, chunk)
        else:
            if start:
                await asyncio.sleep(0)
            made += make(chunk)
    return made


def _weight(row: Sequence[Any]) -> int:
    """Bytes of a row that have to be decrypted."""
    return sum([len(value) for value in row if type(value) is bytes])


async def read(db: Database, stack_id: str, part: Part[R]) -> list[R]:
    """The rows of one stack."""
    statement = await db.statements.prepared(
        part.key, lambda: part.query().where(part.of == STACK_ID), part.terms
    )
    return await part.records(await db.fetch_statement(statement, {**part.params, "stack": stack_id}))
