"""Expressions in the texts of workflows: YAQL between `<%` and `%>`."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, Final

import yaql

from stackd.devcloud.store import JSON

_EXPRESSION: Final = re.compile(r"<%((?:(?!%>).)*)%>", re.DOTALL)
_LIMITS: Final = {
    "yaql.limitIterators": 10_000,
    "yaql.memoryQuota": 1_000_000,
    "yaql.convertTuplesToLists": True,
}


class BadExpression(Exception):
    """An expression that cannot be read or evaluated."""


@cache
def _engine() -> Any:
    return yaql.YaqlFactory().create(options=_LIMITS)


@cache
def _base() -> Any:
    return yaql.create_context(convention=yaql.language.conventions.PythonConvention())


def evaluate(value: Any, data: JSON, functions: Mapping[str, Callable[..., Any]]) -> Any:
    """A value with all expressions in it, at any depth, in place of what they say of ``data``.

    A text that is one expression becomes its value; in longer texts values stand as texts.
    """
    if isinstance(value, Mapping):
        return {key: evaluate(each, data, functions) for key, each in value.items()}
    if isinstance(value, list):
        return [evaluate(each, data, functions) for each in value]
    if not isinstance(value, str):
        return value
    if whole := _EXPRESSION.fullmatch(value.strip()):
        return _value(whole[1], data, functions)
    return _EXPRESSION.sub(lambda match: str(_value(match[1], data, functions)), value)


def _value(expression: str, data: JSON, functions: Mapping[str, Callable[..., Any]]) -> Any:
    context = _base().create_child_context()
    for name, function in functions.items():
        context.register_function(function, name=name)
    try:
        return _engine()(expression.strip()).evaluate(data=data, context=context)
    except Exception as error:  # the library raises errors of any kind
        raise BadExpression(
            f"Can not evaluate YAQL expression [expression={expression.strip()}, error={error}]"
        ) from error


def check(value: Any) -> None:
    """Read all expressions in a value; ``BadExpression`` for one that cannot be read."""
    if isinstance(value, Mapping):
        for each in value.values():
            check(each)
    elif isinstance(value, list):
        for each in value:
            check(each)
    elif isinstance(value, str):
        if "{{" in value or "{%" in value:
            raise BadExpression(f"Jinja is not spoken here, only YAQL: {value}")
        for expression in _EXPRESSION.findall(value):
            _read(expression.strip())


def _read(expression: str) -> None:
    try:
        _engine()(expression)
    except Exception as error:  # as above
        raise BadExpression(f"Parse error: {error} [expression={expression}]") from error
