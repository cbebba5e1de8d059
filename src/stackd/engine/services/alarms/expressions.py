"""Arithmetic over metrics: ``+ - * /``, numbers and parentheses, over the ids of other queries. Pure."""

from __future__ import annotations

import ast
import math
import operator
from collections.abc import Callable, Mapping
from typing import Any, Final

from stackd.engine.services.alarms.statistics import Series
from stackd.errors import QueryFault

LARGEST: Final = 2.0**360
"""The largest number that anything may have."""

_LONGEST: Final = 1024
_MOST: Final = 100
"""Operators and operands of an expression."""

_OPERATORS: Final[Mapping[type[Any], Callable[[float, float], float]]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}
_SIGNS: Final[Mapping[type[Any], float]] = {ast.UAdd: 1.0, ast.USub: -1.0}

Value = Series | float


def parse(text: str) -> ast.expr:
    """The expression; ``QueryFault`` if it has anything but arithmetic over ids."""
    try:
        tree = ast.parse(text[: _LONGEST + 1].strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise _refused(text) from None
    nodes = list(ast.walk(tree))
    if len(text) > _LONGEST or len(nodes) > 2 * _MOST or not all(map(_is_arithmetic, nodes)):
        raise _refused(text)
    return tree


def _is_arithmetic(node: ast.AST) -> bool:
    if isinstance(node, ast.Constant):
        number = node.value
        return isinstance(number, int | float) and not isinstance(number, bool) and abs(number) <= LARGEST
    known = (ast.BinOp, ast.UnaryOp, ast.Name, ast.Load)
    return isinstance(node, known) or type(node) in _OPERATORS or type(node) in _SIGNS


def _refused(text: str) -> QueryFault:
    return QueryFault(
        "ValidationError",
        f"The expression {text[:100]!r} is not supported. Use ids of other queries, numbers, + - * / and "
        "parentheses.",
    )


def ids_in(tree: ast.expr) -> frozenset[str]:
    """The ids to which an expression refers."""
    return frozenset(node.id for node in ast.walk(tree) if isinstance(node, ast.Name))


def weight_of(tree: ast.expr) -> int:
    """The number of operands and operators: of values that are computed for each period."""
    return sum(isinstance(node, ast.expr) for node in ast.walk(tree))


def evaluate(tree: ast.expr, values: Mapping[str, Series]) -> Series:
    """The values of the periods for which every id has one; none where something is divided by zero."""
    result = _value(tree, values)
    return {} if isinstance(result, float) else result


def _value(node: ast.expr, values: Mapping[str, Series]) -> Value:
    if isinstance(node, ast.Name):
        return values[node.id]
    if isinstance(node, ast.Constant):
        return float(node.value)  # type: ignore[arg-type]
    if isinstance(node, ast.UnaryOp):
        return _combined(operator.mul, _SIGNS[type(node.op)], _value(node.operand, values))
    if isinstance(node, ast.BinOp):
        left, right = _value(node.left, values), _value(node.right, values)
        return _combined(_OPERATORS[type(node.op)], left, right)
    raise AssertionError(node)


def _combined(function: Callable[[float, float], float], left: Value, right: Value) -> Value:
    if isinstance(left, float) and isinstance(right, float):
        result = _result(function, left, right)
        return math.nan if result is None else result
    times = [each.keys() for each in (left, right) if not isinstance(each, float)]
    shared = times[0] & times[-1]
    results = {at: _result(function, _at(left, at), _at(right, at)) for at in sorted(shared)}
    return {at: value for at, value in results.items() if value is not None}


def _at(value: Value, at: int) -> float:
    return value if isinstance(value, float) else value[at]


def _result(function: Callable[[float, float], float], left: float, right: float) -> float | None:
    try:
        result = function(left, right)
    except (ZeroDivisionError, OverflowError):
        return None
    return result if math.isfinite(result) else None
