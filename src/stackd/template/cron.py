"""Checks cron expressions: five columns from minute to weekday, optionally with seconds and years.

Only the notation is checked, with all that Heat accepts: names, steps, ranges over the end (``fri-mon``), the
last day of a month (``l``), the n-th weekday of one (``mon#2``), the weekday nearest to a day (``15w``),
``?`` for any value, ``r`` for a random value. Libraries that compute such times support less of it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final


@dataclass(frozen=True, slots=True)
class _Column:
    """The numbers that one column accepts, their names, and its special values."""

    low: int
    high: int
    names: Mapping[str, int] = field(default_factory=dict)
    special: re.Pattern[str] = re.compile(r"(?!)")


_MONTHS = "jan feb mar apr may jun jul aug sep oct nov dec"
_DAYS = "sun mon tue wed thu fri sat"
_DAY_NAME = f"(?:[0-7]|{_DAYS.replace(' ', '|')})"
_COLUMNS: Final = (
    _Column(0, 59),
    _Column(0, 23),
    _Column(1, 31, special=re.compile(r"l|\?|(?:0?[1-9]|[12][0-9]|3[01])w|w(?:0?[1-9]|[12][0-9]|3[01])")),
    _Column(1, 12, {name: number for number, name in enumerate(_MONTHS.split(), 1)}),
    _Column(
        0,
        7,
        {name: number for number, name in enumerate(_DAYS.split())},
        re.compile(rf"\?|l{_DAY_NAME}|{_DAY_NAME}#(?:[1-5]|l)"),
    ),
    _Column(0, 59),
    _Column(1970, 2099),
)
_SHORTHANDS: Final = frozenset(
    {"@midnight", "@hourly", "@daily", "@weekly", "@monthly", "@yearly", "@annually"}
)
_BY_CHANCE: Final = re.compile(r"r(?:\([0-9]+-[0-9]+\))?(?:/[1-9][0-9]*)?")
_ITEM: Final = re.compile(r"(?:\*|(?P<low>[a-z0-9]+)(?:-(?P<high>[a-z0-9]+))?)(?:/(?P<step>[0-9]+))?")
_WORD: Final = re.compile(r"[0-9]+")


def cron_problem(text: str) -> str:
    """The mistake in a cron expression; empty if it is valid."""
    said = text.strip().lower()
    if said in _SHORTHANDS:
        return ""
    columns = said.split()
    if len(columns) not in (5, 6, 7):
        return "Exactly 5, 6 or 7 columns has to be specified for iterator expression."
    for number, (column, written) in enumerate(zip(_COLUMNS, columns, strict=False)):
        for item in written.split(","):
            if problem := _item_problem(item, column, number, said):
                return problem
    return ""


def _item_problem(item: str, column: _Column, number: int, said: str) -> str:
    refused = f"[{said}] is not acceptable"
    if column.special.fullmatch(item) or _BY_CHANCE.fullmatch(item):
        return ""
    if item.startswith("-"):
        return f"{refused}, negative numbers not allowed"
    found = _ITEM.fullmatch(item)
    if found is None:
        return refused
    if found["step"] is not None and int(found["step"][:9]) == 0:
        return f"[{said}] step '{found['step']}' in field {number} is not acceptable"
    for word in filter(None, (found["low"], found["high"])):
        value = column.names.get(word, int(word[:9]) if _WORD.fullmatch(word) else None)
        if value is None:
            return refused
        if not column.low <= value <= column.high:
            return f"{said} is out of bands" if found["high"] else f"{refused}, out of range"
    return ""
