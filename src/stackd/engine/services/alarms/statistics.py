"""Statistics of the samples of a period. Pure.

Percentiles count every value. Where only a minimum, a maximum and a sum are known, the rest of the values
count as their mean.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import groupby
from typing import Final

from stackd.db.metrics import Bucket


def _count_of(buckets: Sequence[Bucket]) -> float:
    return sum(each.count for each in buckets)


def _sum_of(buckets: Sequence[Bucket]) -> float:
    return sum(each.total for each in buckets)


SIMPLE: Final[Mapping[str, Callable[[Sequence[Bucket]], float]]] = {
    "SampleCount": _count_of,
    "Sum": _sum_of,
    "Average": lambda buckets: _sum_of(buckets) / (_count_of(buckets) or 1.0),
    "Minimum": lambda buckets: min(each.lowest for each in buckets),
    "Maximum": lambda buckets: max(each.highest for each in buckets),
}
"""Name → function of what was measured in one period, which is something."""

_EXTENDED = re.compile(r"(p|tm|tc|ts)(100|\d{1,2}(?:\.\d{1,10})?)")

Series = Mapping[int, float]
"""The values of periods, by the second in which each begins."""


def is_extended(name: str) -> bool:
    """Whether a name is that of a percentile, or of a mean, number or sum up to a percentile."""
    return _EXTENDED.fullmatch(name) is not None


def rank_of(name: str) -> float:
    """The percentage in the name of an extended statistic."""
    found = _EXTENDED.fullmatch(name)
    if found is None:
        raise ValueError(name)
    return float(found[2])


def statistic(name: str, buckets: Sequence[Bucket]) -> float:
    """A statistic of what was measured in one period."""
    if (simple := SIMPLE.get(name)) is not None:
        return simple(buckets)
    kind = name.rstrip("0123456789.")
    values = weighted(buckets)
    limit = percentile(values, rank_of(name))
    return limit if kind == "p" else _TRIMMED[kind]([each for each in values if each[0] <= limit])


def series(name: str, buckets: Iterable[Bucket]) -> dict[int, float]:
    """The statistic of each period in which something was measured; buckets are in the order of time."""
    return {at: statistic(name, list(some)) for at, some in groupby(buckets, lambda bucket: bucket.at)}


def counts(buckets: Iterable[Bucket]) -> dict[int, float]:
    """The number of samples of each period in which something was measured."""
    return series("SampleCount", buckets)


# --- percentiles ----------------------------------------------------------------------------------

Weighted = list[tuple[float, float]]
"""Values with their numbers, in ascending order."""


def weighted(buckets: Iterable[Bucket]) -> Weighted:
    """All values that were measured, with their numbers."""
    merged: dict[float, float] = {}
    for bucket in buckets:
        for value, number in _values(bucket):
            merged[value] = merged.get(value, 0.0) + number
    return sorted(merged.items())


def _values(bucket: Bucket) -> Weighted:
    if bucket.spread is None:
        return [(bucket.lowest, bucket.count)]
    pairs = (each.partition("*") for each in bucket.spread.split(";") if each)
    return [(float(value), float(number)) for value, _, number in pairs]


def percentile(values: Weighted, rank: float) -> float:
    """The value below which ``rank`` per cent are, between two values in proportion."""
    total = sum(number for _, number in values)
    position = max(total - 1.0, 0.0) * rank / 100.0
    seen = 0.0
    for (value, number), following in zip(values, [*values[1:], values[-1]], strict=True):
        seen += number
        if position <= seen - 1.0:
            return value
        if position < seen:
            return value + (following[0] - value) * (position - (seen - 1.0))
    return values[-1][0]


def _number(values: Weighted) -> float:
    return sum(number for _, number in values)


def _sum(values: Weighted) -> float:
    return sum(value * number for value, number in values)


_TRIMMED: Final[Mapping[str, Callable[[Weighted], float]]] = {
    "tc": _number,
    "ts": _sum,
    "tm": lambda values: _sum(values) / (_number(values) or 1.0),
}


# --- what comes as a set --------------------------------------------------------------------------


def spread_of_values(values: Iterable[tuple[float, float]]) -> str:
    """Values with their numbers as a sample keeps them."""
    return "".join(f"{value!r}*{number!r};" for value, number in values)


def spread_of_set(count: float, total: float, lowest: float, highest: float) -> str | None:
    """What a sample keeps of a set of which only this is known."""
    if lowest == highest:
        return None
    rest = count - 2.0
    ends = [(lowest, 1.0), (highest, 1.0)]
    if rest <= 0.0:
        return spread_of_values(ends)
    mean = min(max((total - lowest - highest) / rest, lowest), highest)
    return spread_of_values([ends[0], (mean, rest), ends[1]])
