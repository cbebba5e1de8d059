"""Statistics of periods, with percentiles of every value."""

from __future__ import annotations

import statistics as python

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stackd.db.metrics import Bucket
from stackd.engine.services.alarms.statistics import (
    SIMPLE,
    is_extended,
    percentile,
    series,
    spread_of_set,
    spread_of_values,
    statistic,
    weighted,
)

NUMBERS = st.floats(-1e9, 1e9, allow_nan=False)


def bucket(values: list[float], at: int = 0) -> Bucket:
    spread = spread_of_values((each, 1.0) for each in values) if len(set(values)) > 1 else None
    return Bucket(at, float(len(values)), sum(values), min(values), max(values), spread)


def test_simple_statistics_are_of_all_buckets_together() -> None:
    both = [bucket([1.0, 3.0]), bucket([8.0])]
    found = {name: statistic(name, both) for name in SIMPLE}
    assert found == {"SampleCount": 3.0, "Sum": 12.0, "Average": 4.0, "Minimum": 1.0, "Maximum": 8.0}
    apart = [bucket([1.0], 0), bucket([3.0], 0), bucket([5.0], 60)]
    assert series("Sum", apart) == {0: 4.0, 60: 5.0}


@pytest.mark.parametrize(
    ("name", "known"),
    [
        ("p0", True),
        ("p99.9", True),
        ("p100", True),
        ("p101", False),
        ("tm90", True),
        ("px", False),
        ("p", False),
    ],
)
def test_names_of_extended_statistics(name: str, known: bool) -> None:
    assert is_extended(name) is known


@given(st.lists(NUMBERS, min_size=2, max_size=50), st.integers(1, 99))
def test_percentiles_are_those_of_the_values(values: list[float], rank: int) -> None:
    expected = python.quantiles(values, n=100, method="inclusive")[rank - 1]
    assert statistic(f"p{rank}", [bucket(values)]) == pytest.approx(expected, rel=1e-6, abs=1e-6)


@given(st.lists(st.tuples(NUMBERS, st.integers(1, 9)), min_size=1, max_size=20), st.floats(0, 100))
def test_percentiles_are_within_the_values_and_do_not_fall(
    values: list[tuple[float, int]], rank: float
) -> None:
    pairs = sorted((value, float(number)) for value, number in dict(values).items())
    low, found, high = (percentile(pairs, each) for each in (0.0, rank, 100.0))
    assert pairs[0][0] == low <= found <= high == pairs[-1][0]


def test_trimmed_statistics_leave_out_what_is_above_the_percentile() -> None:
    one = [bucket([1.0, 2.0, 3.0, 94.0])]
    found = [statistic(name, one) for name in ("tc75", "ts75", "tm75", "tm100")]
    assert found == [3.0, 6.0, 2.0, 25.0]


@given(st.lists(NUMBERS, min_size=1, max_size=20))
def test_a_set_of_values_keeps_its_number_sum_and_ends(values: list[float]) -> None:
    count, total, low, high = float(len(values)), sum(values), min(values), max(values)
    kept = weighted([Bucket(0, count, total, low, high, spread_of_set(count, total, low, high))])
    assert sum(number for _, number in kept) == count
    assert (kept[0][0], kept[-1][0]) == (low, high)
    assert sum(value * number for value, number in kept) == pytest.approx(total, rel=1e-6, abs=1e-3)
