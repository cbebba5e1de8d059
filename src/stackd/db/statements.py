"""SQL texts: SQLAlchemy states the SQL and knows the dialects, the drivers run the compiled text.

A statement is compiled once in a process, so a read costs its query and one hop, nothing per column.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from sys import intern
from typing import Any, Final

from sqlalchemy.engine import Dialect
from sqlalchemy.sql.elements import CompilerElement

from stackd.offload import in_thread
from stackd.recent import Recent, memory_of

Row = Sequence[Any]

_MANY_TERMS = 8
"""Terms of a statement above which building it takes milliseconds."""

_VARIANTS_KEPT: Final = 4_000_000
"""Bytes in memory."""

_ALONE: Final = 1_500
"""Bytes in memory of a statement with its key, but without its text and its values."""

_VALUE: Final = 400
"""Bytes in memory of a value in a statement and in its key, with its name, but without its text."""


@dataclass(frozen=True, slots=True)
class Statement:
    """SQL text in a dialect, with its parameters by position."""

    text: str
    order: tuple[str, ...]
    constants: Mapping[str, Any]

    def args(self, params: Mapping[str, Any]) -> tuple[Any, ...]:
        """Positional values, from ``params`` and the constants of the statement."""
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
    text = intern(str(compiled))  # queries that differ in their values only have one text in memory
    return Statement(text, tuple(compiled.positiontup or ()), compiled.params)


class Statements:
    """The compiled statements of one dialect, for every database of the process that has it."""

    def __init__(self, dialect: Dialect) -> None:
        self.dialect = dialect
        self._constants: dict[Hashable, Statement] = {}
        self._variants: Recent[Hashable, Statement] = Recent(_VARIANTS_KEPT)

    def constant(self, element: CompilerElement) -> Statement:
        """A statement that is a constant of its module."""
        return self.kept(element, lambda: self.once(element))

    def kept(self, key: Hashable, build: Callable[[], Statement]) -> Statement:
        """The statement of ``key``, of which there are as many as the code names."""
        statement = self._constants.get(key)
        if statement is None:
            statement = self._constants[key] = build()
        return statement

    def variant(self, key: Hashable, build: Callable[[], CompilerElement]) -> Statement:
        """The statement of ``key``, built on first use, in a bounded cache."""
        return self._variants.get(key) or self._keep(key, self.once(build()))

    async def prepared(self, key: Hashable, build: Callable[[], CompilerElement], terms: int) -> Statement:
        """The variant of ``key``; one of many ``terms`` is built in a thread."""
        if terms > _MANY_TERMS and self._variants.get(key) is None:
            self._keep(key, await in_thread(lambda: self.once(build())))
        return self.variant(key, build)

    def _keep(self, key: Hashable, statement: Statement) -> Statement:
        values = statement.constants.values()
        weight = _ALONE + len(statement.text) + _VALUE * len(values) + memory_of(values)
        return self._variants.put(key, statement, weight)

    def once(self, element: CompilerElement, columns: Sequence[str] | None = None) -> Statement:
        """A statement that was made for one call; ``columns`` are those that an insert fills."""
        return compile_statement(element, self.dialect, columns)
