"""SQL texts: SQLAlchemy states the SQL and knows the dialects, the drivers run the compiled text.

A statement is compiled once, so a read costs its query and one hop, nothing per column.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy.engine import Dialect
from sqlalchemy.sql.elements import CompilerElement

Row = Sequence[Any]


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
