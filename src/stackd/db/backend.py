"""What a database driver must do for stackd, and the SQL texts that it is given.

SQLAlchemy states the SQL and knows the dialects; the drivers run the compiled text directly. A
statement is compiled once, so a read costs its query and one hop, nothing per column.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from sqlalchemy import Table
from sqlalchemy.engine import Connection, Dialect
from sqlalchemy.sql.elements import CompilerElement

from stackd.errors import Fenced, StackdError, StackExists
from stackd.records import Fence

Row = Sequence[Any]


class Unreachable(Exception):
    """The database does not answer now; the same work may succeed later."""


@dataclass(frozen=True, slots=True)
class Statement:
    """SQL text in a dialect, with its parameters in the order of their places."""

    text: str
    order: tuple[str, ...]
    constants: Mapping[str, Any]

    def args(self, params: Mapping[str, Any]) -> tuple[Any, ...]:
        """Values for the places, from ``params`` and the constants of the statement."""
        constants = self.constants
        return tuple([params[name] if name in params else constants[name] for name in self.order])


def compile_statement(
    element: CompilerElement, dialect: Dialect, columns: Sequence[str] | None = None
) -> Statement:
    """``element`` as text for ``dialect``; ``columns`` are those that an insert fills."""
    options: dict[str, Any] = {"compile_kwargs": {"render_postcompile": True}}
    if columns is not None:
        options["column_keys"] = columns
    compiled: Any = element.compile(dialect=dialect, **options)
    return Statement(str(compiled), tuple(compiled.positiontup or ()), compiled.params)


@dataclass(frozen=True, slots=True)
class Step:
    """One statement of a write.

    Steps with the same ``key`` keep their order. ``conditional`` steps must find their row.
    ``stack_name`` is what a clash of live names is reported with.
    """

    statement: Statement
    args: tuple[Any, ...]
    key: tuple[str, str]
    conditional: bool = False
    stack_name: str = ""


@dataclass(slots=True, eq=False)
class Write:
    """Steps that are committed together or not at all, and who waits for them."""

    steps: Sequence[Step]
    fence: Fence | None
    waiter: asyncio.Future[None]
    settled: bool = field(default=False)

    def settle(self, error: Exception | None) -> None:
        """Tell the waiter, unless it went away."""
        self.settled = True
        if self.waiter.done():
            return
        if error is None:
            self.waiter.set_result(None)
        else:
            self.waiter.set_exception(error)

    def name_taken(self) -> StackExists:
        """The error for a stack name that is in use."""
        return StackExists(next((step.stack_name for step in self.steps if step.stack_name), ""))


Migration = Callable[[Connection], Any]


SETTLED_AT_ONCE = 16
"""Waiters that are woken in one turn of the event loop: what they do next must not keep it long."""


async def settle_all(outcomes: Iterable[tuple[Write, Exception | None]]) -> None:
    """Tell all waiters, a few in each turn of the loop."""
    for count, (write, outcome) in enumerate(outcomes, 1):
        write.settle(outcome)
        if count % SETTLED_AT_ONCE == 0:
            await asyncio.sleep(0)


class Backend(Protocol):
    """One database: a pool of readers and one writer."""

    dialect: Dialect
    insert: Callable[[Table], Any]
    """The dialect's own insert, which can say what to do with a row that is there already."""

    async def fetch(self, statement: Statement, args: tuple[Any, ...]) -> list[Any]:
        """Rows of a query that changes nothing."""
        ...

    async def modify(self, statement: Statement, args: tuple[Any, ...]) -> list[Any]:
        """Rows that a changing statement returns, after its commit; none without RETURNING."""
        ...

    async def commit(self, writes: Sequence[Write]) -> None:
        """Commit all ``writes`` in as few transactions as possible and settle each.

        A write that the database refuses fails alone. On ``Unreachable`` the writes that are not
        settled may be given again.
        """
        ...

    async def migrate(self, upgrade: Migration) -> Any:
        """Run ``upgrade`` on a connection that nobody else can migrate through meanwhile."""
        ...

    async def close(self) -> None:
        """Let all connections go."""
        ...


def fenced() -> Fenced:
    """The error for a write whose epoch or condition no longer holds, or which came second."""
    return Fenced()


def refused(error: BaseException) -> StackdError:
    """The error for a change that the database does not take; names the rule, never the values."""
    return StackdError(f"The database refused a change: {str(error).splitlines()[0]}")
