from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from stackd.resources.scaling import (
    CHANGE,
    EXACT,
    PERCENT,
    begun,
    capacity_after,
    cooldown_end,
    ended,
    is_cooling,
)

NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("current", "percent", "step", "after"),
    [
        (3, 50, None, 4),
        (3, 20, None, 4),
        (3, -20, None, 2),
        (10, 15, None, 11),
        (10, -15, None, 9),
        (10, 10, 3, 13),
        (5, 0, 2, 3),
        (0, 50, 2, 0),
    ],
)
def test_change_in_percent(current: int, percent: float, step: int | None, after: int) -> None:
    assert capacity_after(current, PERCENT, percent, 0, 100, step) == after


def test_other_adjustments_stay_within_the_bounds() -> None:
    assert [capacity_after(3, CHANGE, by, 1, 5) for by in (1, 3, -1, -9)] == [4, 5, 2, 1]
    assert [capacity_after(3, EXACT, size, 1, 5) for size in (2, 0, 9)] == [2, 1, 5]


def test_a_cooldown_lasts_from_the_end_of_a_change() -> None:
    metadata = ended(begun({"mine": 1}), NOW, 60, "exact_capacity : 3")
    later = (NOW + timedelta(seconds=60)).isoformat()
    assert metadata == {
        "mine": 1,
        "scaling_in_progress": False,
        "cooldown_end": {later: "exact_capacity : 3"},
    }
    assert is_cooling(metadata, NOW + timedelta(seconds=59))
    assert not is_cooling(metadata, NOW + timedelta(seconds=60))


def test_a_longer_cooldown_stays_and_none_begins_where_nothing_changed() -> None:
    long = ended({}, NOW, 60, "a")
    assert cooldown_end(ended(long, NOW, None, "b")) == NOW + timedelta(seconds=60)
    assert ended(long, NOW, 600, None) == long


@pytest.mark.parametrize("kept", [None, "soon", {"soon": "a"}, {}, [1]])
def test_metadata_of_somebody_else_is_no_cooldown(kept: Any) -> None:
    assert not is_cooling({"cooldown_end": kept}, NOW)


def test_a_time_without_a_zone_is_in_utc() -> None:
    assert cooldown_end({"cooldown_end": {"2026-01-01T00:00:00": "a"}}) == NOW
