import pytest

from stackd.resources.heat.adjustments import CHANGE, EXACT, PERCENT, capacity_after


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
