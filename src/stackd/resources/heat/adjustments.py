"""How a scaling policy changes the size of a group. Pure."""

from __future__ import annotations

CHANGE, EXACT, PERCENT = "change_in_capacity", "exact_capacity", "percent_change_in_capacity"


def capacity_after(
    current: int, kind: str, adjustment: float, low: int, high: int, step: int | None = None
) -> int:
    """The size of a group after an adjustment, within its bounds ``low`` and ``high``.

    ``step`` is the least number of members that a change in percent adds or removes.
    """
    if kind == EXACT:
        wanted = int(adjustment)
    elif kind == CHANGE:
        wanted = current + int(adjustment)
    else:
        wanted = current + _share(current, adjustment, step)
    return max(low, min(wanted, high))


def _share(current: int, percent: float, step: int | None) -> int:
    """A change in percent as a number of members; one of less than a member counts as a whole one."""
    exact = current * percent / 100.0
    delta = int(exact)
    if exact and not delta:
        delta = 1 if exact > 0 else -1
    if step is not None and abs(delta) < step:
        return step if delta > 0 else -step  # none at all counts as negative, as in Heat
    return delta
