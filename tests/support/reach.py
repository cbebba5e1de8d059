"""What a test comes to by the names in its code: known before it runs, and without a list to keep.

A test reaches the functions and classes that it and its fixtures name, what these name, and so on as far as
the code is of the tests. What it gets only as a value is not seen.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from functools import cache
from types import CodeType, FunctionType, ModuleType
from typing import Any

import pytest


def reaches(item: pytest.Item, *wanted: Callable[..., Any]) -> bool:
    """Whether a test comes to one of some functions of the tests."""
    if not isinstance(item, pytest.Function):
        return False
    fixtures = item._fixtureinfo.name2fixturedefs.values()
    begins = frozenset((item.function, *(each.func for defined in fixtures for each in defined)))
    return _leads(begins, frozenset(wanted))


@cache  # one test function is many tests
def _leads(begins: frozenset[object], wanted: frozenset[object]) -> bool:
    waiting = list(begins)
    seen: set[object] = set()
    while waiting:
        if (one := waiting.pop()) not in seen:
            if one in wanted:
                return True
            seen.add(one)
            waiting += _named(one)
    return False


@cache
def _named(one: object) -> frozenset[object]:
    """The functions and classes of the tests that a function or a class names."""
    if isinstance(one, type):
        found = _of_class(one)
    else:
        found = _of_function(inspect.unwrap(one) if callable(one) else one)
    return frozenset(each for each in found if _has_code(each) and _is_ours(each.__module__))


def _has_code(one: object) -> bool:
    """Whether it is a class, a function, or what a decorator made of one."""
    return isinstance(one, type | FunctionType) or hasattr(one, "__wrapped__")


def _of_class(one: type) -> Iterator[object]:
    yield from one.__bases__
    yield from list(vars(one).values())  # some are made when they are looked at


def _of_function(one: object) -> Iterator[object]:
    if not isinstance(one, FunctionType):
        return
    names = {name for code in _codes(one.__code__) for name in code.co_names}
    modules = [each for each in map(one.__globals__.get, names) if isinstance(each, ModuleType)]
    for scope in (one.__globals__, *(vars(each) for each in modules if _is_ours(each.__name__))):
        yield from (scope[name] for name in names & scope.keys())


def _codes(code: CodeType) -> Iterator[CodeType]:
    """The code of a function and of those inside it."""
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _codes(constant)


def _is_ours(module: str | None) -> bool:
    return module is not None and module.startswith("tests.")
