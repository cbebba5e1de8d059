"""SQL texts: SQLAlchemy states the SQL and knows the dialects, the drivers run the compiled text.

A statement is compiled once in a process, so a read costs its query and one hop, nothing per column.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy.engine import Dialect
from sqlalchemy.sql.elements import CompilerElement

from stackd.offload import in_thread
from stackd.recent import Recent

Row = Sequence[Any]

_MANY_TERMS = 8
"""Terms of a statement above which building it takes milliseconds."""

_VARIANTS_KEPT = 512


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
    return Statement(str(compiled), tuple(compiled.positiontup or ()), compiled.params)


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
        return self._variants.get(key) or self._variants.put(key, self.once(build()))

    async def prepared(self, key: Hashable, build: Callable[[], CompilerElement], terms: int) -> Statement:
        """The variant of ``key``; one of many ``terms`` is built in a thread."""
        if terms > _MANY_TERMS and self._variants.get(key) is None:
            self._variants.put(key, await in_thread(lambda: self.once(build())))
        return self.variant(key, build)

    def once(self, element: CompilerElement, columns: Sequence[str] | None = None) -> Statement:
        """A statement that was made for one call; ``columns`` are those that an insert fills."""
        return compile_statement(element, self.dialect, columns)
