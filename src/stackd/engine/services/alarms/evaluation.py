"""From the points of a metric to the state of an alarm. Pure.

A point is the statistic of one period, or None where nothing was measured. The range that is looked at is a
little longer than the periods that count, so that points that come late do not change the state.
"""

from __future__ import annotations

import enum
import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

OK: Final = "OK"
ALARM: Final = "ALARM"
INSUFFICIENT: Final = "INSUFFICIENT_DATA"
STATES: Final = (OK, ALARM, INSUFFICIENT)

SPARE: Final = 2
"""Periods that are looked at besides those that count."""

OPERATORS: Final[Mapping[str, tuple[Callable[[float, float], bool], str]]] = {
    "GreaterThanOrEqualToThreshold": (operator.ge, "greater than or equal to"),
    "GreaterThanThreshold": (operator.gt, "greater than"),
    "LessThanThreshold": (operator.lt, "less than"),
    "LessThanOrEqualToThreshold": (operator.le, "less than or equal to"),
}
"""Operator of an alarm → comparison of a value with the threshold, and its words."""


class Gaps(enum.StrEnum):
    """What a period counts as in which nothing was measured."""

    MISSING = "missing"
    BREACHING = "breaching"
    NOT_BREACHING = "notBreaching"
    IGNORE = "ignore"


@dataclass(frozen=True, slots=True)
class Criteria:
    """How many of how many periods have to breach, and what gaps count as."""

    periods: int
    needed: int
    gaps: Gaps = Gaps.MISSING


@dataclass(frozen=True, slots=True)
class Point:
    """A period in which something was measured: when it began, its value, and whether that breaches."""

    at: int
    value: float
    is_breaching: bool


def state_of(points: Sequence[bool | None], criteria: Criteria) -> str | None:
    """The state that the breaches of some periods mean, oldest first; None to keep the one that there is."""
    real = [each for each in points if each is not None]
    if len(real) >= criteria.periods:
        return _either(sum(real[-criteria.periods :]), criteria)
    return _WITH_GAPS[criteria.gaps](points, real, criteria)


def _either(breaching: int, criteria: Criteria) -> str:
    return ALARM if breaching >= criteria.needed else OK


Points = Sequence[bool | None]


def _gaps_breach(points: Points, real: Sequence[bool], criteria: Criteria) -> str | None:
    return _either(sum(real) + criteria.periods - len(real), criteria)


def _gaps_are_fine(points: Points, real: Sequence[bool], criteria: Criteria) -> str | None:
    return _either(sum(real), criteria)


def _gaps_keep(points: Points, real: Sequence[bool], criteria: Criteria) -> str | None:
    """Nothing but breaches, and too few of them, tell nothing."""
    is_clear = sum(real) >= criteria.needed or not all(real)
    return _either(sum(real), criteria) if is_clear else None


def _gaps_are_unknown(points: Points, real: Sequence[bool], criteria: Criteria) -> str | None:
    """As an incident goes on while nothing comes, old breaches count as an alarm."""
    if not real:
        return INSUFFICIENT
    if sum(real) >= criteria.needed or not all(real):
        return _either(sum(real), criteria)
    oldest = next(number for number, each in enumerate(points) if each)
    return ALARM if len(points) - oldest >= criteria.needed else None


_WITH_GAPS: Final[Mapping[Gaps, Callable[[Points, Sequence[bool], Criteria], str | None]]] = {
    Gaps.BREACHING: _gaps_breach,
    Gaps.NOT_BREACHING: _gaps_are_fine,
    Gaps.IGNORE: _gaps_keep,
    Gaps.MISSING: _gaps_are_unknown,
}
