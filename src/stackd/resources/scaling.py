"""How a scaling policy changes the size of a group. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

COOLDOWN: Final = "cooldown_end"
IN_PROGRESS: Final = "scaling_in_progress"

CHANGE, EXACT, PERCENT = "change_in_capacity", "exact_capacity", "percent_change_in_capacity"


@dataclass(frozen=True, slots=True)
class Adjustment:
    """A change of a group's size: ``group`` is its reference, ``by`` a number of members or a percentage.

    ``step`` is the least number of members that a change in percent adds or removes, ``cooldown`` the seconds
    after the change in which others are ignored (None: what the group says), ``label`` what users call it.
    """

    group: str
    kind: str
    by: float
    label: str
    step: int | None = None
    cooldown: float | None = None

    def of(self, current: int, low: int, high: int) -> int:
        """The size of a group of ``current`` members after the change, within its bounds."""
        return capacity_after(current, self.kind, self.by, low, high, self.step)


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


# --- cooldown, as groups keep it in their metadata -------------------------------------------------


def kept(metadata: Mapping[str, Any]) -> dict[str, Any]:
    """What a group has in its metadata of its changes of size."""
    return {key: metadata[key] for key in (COOLDOWN, IN_PROGRESS) if key in metadata}


def begun(metadata: Mapping[str, Any]) -> dict[str, Any]:
    """A group's metadata while its size changes."""
    return {**metadata, IN_PROGRESS: True}


def ended(
    metadata: Mapping[str, Any], moment: datetime, cooldown: float | None, label: str | None
) -> dict[str, Any]:
    """A group's metadata after a change; with a ``label`` others are ignored for the ``cooldown`` in seconds.

    A cooldown that lasts longer stays.
    """
    after = {**metadata, IN_PROGRESS: False}
    if label is not None:
        end = moment + timedelta(seconds=cooldown or 0)
        known = cooldown_end(metadata)
        after[COOLDOWN] = {(max(end, known) if known else end).isoformat(): label}
    return after


def is_cooling(metadata: Mapping[str, Any], moment: datetime) -> bool:
    """Whether the cooldown after the last change is not over."""
    end = cooldown_end(metadata)
    return end is not None and moment < end


def cooldown_end(metadata: Mapping[str, Any]) -> datetime | None:
    """When the cooldown is over; None if a group has none, or its metadata was written by somebody else."""
    kept = metadata.get(COOLDOWN)
    if not isinstance(kept, Mapping):
        return None
    ends = [_moment(each) for each in kept]
    return max((each for each in ends if each is not None), default=None)


def _moment(text: Any) -> datetime | None:
    try:
        found = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return found if found.tzinfo is not None else found.replace(tzinfo=UTC)
