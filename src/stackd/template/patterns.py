r"""Matches regular expressions from users in bounded time.

Python's engine backtracks and cannot be interrupted. So the number of ways in which a pattern can split a
value is bounded first, from the pattern's parse tree. A pattern that cannot go wrong on a value of this
length is matched here, any other by the worker process, which is stopped when it takes too long.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Final

from stackd.offload import charge_trial, current_budget
from stackd.template.worker import WORKERS

MAX_PATTERN: Final = 4096
SAFE_PATHS: Final = 100_000
TIMEOUT: Final = 1.0
_UNBOUNDED: Final = 1e9
_COMPILING: Final = 5_000
"""Steps that compiling a character of a pattern takes."""

_REMEMBERED: Final = 64
"""Patterns that are remembered, each of which may take hundreds of kilobytes."""

_parser: Any = re._parser  # type: ignore[attr-defined]  # the only way to see a pattern's structure
_compiler: Any = re._compiler  # type: ignore[attr-defined]  # `re.compile` itself remembers 512 patterns


@lru_cache(_REMEMBERED)
def _compiled(pattern: str) -> re.Pattern[str]:
    charge_trial(_COMPILING * len(pattern))  # one that is remembered costs nothing
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        compiled: re.Pattern[str] = _compiler.compile(pattern)
        return compiled


def pattern_problem(pattern: str) -> str:
    """Why a text is not a pattern that can be used; empty when it is."""
    if len(pattern) > MAX_PATTERN:
        return f"it is longer than {MAX_PATTERN} characters"
    try:
        _compiled(pattern)
    except (re.error, OverflowError, RecursionError, ValueError) as error:
        return str(error) or type(error).__name__
    return ""


def matching(pattern: str, values: Sequence[str]) -> list[str]:
    """The values with a match from their start: none for what is no pattern.

    Raises ValueError for a pattern that is too large or takes too long.
    """
    if len(pattern) > MAX_PATTERN:
        raise ValueError(pattern_problem(pattern))
    current_budget().spend(work=_COMPILING * len(pattern))
    try:
        _compiled(pattern)
    except re.error:
        return []
    except (OverflowError, RecursionError) as error:
        raise ValueError(str(error)) from None
    longest = max(map(len, values), default=0)
    if backtracking_paths(pattern, longest) <= SAFE_PATHS / max(1, len(values), longest):
        return [value for value in values if _compiled(pattern).match(value)]
    try:
        found: list[str] = WORKERS.call("matching", [pattern, list(values)], TIMEOUT)
    except TimeoutError:
        raise ValueError("it takes too long") from None
    return found


def matches_whole(pattern: str, value: str) -> bool:
    """Whether the first match from the start ends at the end of ``value``; raises TimeoutError.

    Alternatives are tried from the left, so ``a|ab`` does not match ``ab``.
    """
    if backtracking_paths(pattern, len(value)) <= SAFE_PATHS / max(1, len(value) / 100):
        match = _compiled(pattern).match(value)
        return match is not None and match.end() == len(value)
    return bool(WORKERS.call("match", [pattern, value], TIMEOUT))


@lru_cache(_REMEMBERED)
def backtracking_paths(pattern: str, length: int) -> float:
    """An upper bound of the ways in which a match of ``length`` characters can be attempted."""
    charge_trial(_COMPILING * len(pattern))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return _paths(_parser.parse(pattern), length)


def _paths(items: Any, length: int) -> float:
    total = 1.0
    for op, argument in items:
        total *= _item_paths(str(op), argument, length)
        if total > _UNBOUNDED:
            return _UNBOUNDED
    return total


def _item_paths(op: str, argument: Any, length: int) -> float:
    if op in ("MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT"):
        low, high, inner = argument
        times = min(int(high), length + 1)
        once = _paths(inner, length)
        spread = max(1.0, times - min(int(low), times) + 1.0)
        if once <= 1:
            return spread
        return min(_UNBOUNDED, spread * min(once, 1e4) ** min(times, 64))
    if op == "BRANCH":
        return sum(_paths(branch, length) for branch in argument[1])
    if op == "SUBPATTERN":
        return _paths(argument[-1], length)
    if op == "ATOMIC_GROUP":
        return _paths(argument, length)
    if op in ("ASSERT", "ASSERT_NOT"):
        return _paths(argument[1], length)
    if op == "GROUPREF_EXISTS":
        return sum(_paths(branch, length) for branch in argument[1:] if branch is not None)
    return 1.0
