"""The times of a cron pattern: five columns from minute to weekday, in UTC."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Final

_MONTHS: Final = {
    "jan": 1, "feb": 2, "mar": 3, "apr": 4, "may": 5, "jun": 6,
    "jul": 7, "aug": 8, "sep": 9, "oct": 10, "nov": 11, "dec": 12,
}  # fmt: skip
_DAYS: Final = {"sun": 0, "mon": 1, "tue": 2, "wed": 3, "thu": 4, "fri": 5, "sat": 6}
_COLUMNS: Final[tuple[tuple[int, int, Mapping[str, int]], ...]] = (
    (0, 59, {}), (0, 23, {}), (1, 31, {}), (1, 12, _MONTHS), (0, 7, _DAYS),
)  # fmt: skip
_SHORT: Final = {
    "@hourly": "0 * * * *", "@daily": "0 0 * * *", "@midnight": "0 0 * * *", "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *", "@yearly": "0 0 1 1 *", "@annually": "0 0 1 1 *",
}  # fmt: skip
_FARTHEST: Final = 366 * 8
"""Days in which any day of the calendar comes, the 29th of February too."""


def next_time(pattern: str, after: float) -> float:
    """The first time of a pattern after a moment; ``ValueError`` for what is no pattern, or never comes."""
    text = _SHORT.get(pattern.strip().lower(), pattern)
    columns = text.lower().split()
    if len(columns) != len(_COLUMNS):
        raise ValueError(f"{pattern} has not 5 columns")
    minutes, hours, days, months, weekdays = (
        _numbers(column, *bounds) for column, bounds in zip(columns, _COLUMNS, strict=True)
    )
    weekdays |= {0} if 7 in weekdays else set()
    # A day that is given in both ways is meant in either.
    either = columns[2] != "*" and columns[4] != "*"
    at = datetime.fromtimestamp(after, UTC).replace(second=0, microsecond=0) + timedelta(minutes=1)
    for ahead in range(_FARTHEST):
        day = (at + timedelta(days=ahead)).date()
        fits = day.day in days, day.isoweekday() % 7 in weekdays
        if day.month not in months or not (any(fits) if either else all(fits)):
            continue
        earliest = (at.hour, at.minute) if ahead == 0 else (0, 0)
        times = ((hour, minute) for hour in sorted(hours) for minute in sorted(minutes))
        found = next((each for each in times if each >= earliest), None)
        if found is not None:
            return datetime(day.year, day.month, day.day, *found, tzinfo=UTC).timestamp()
    raise ValueError(f"{pattern} never comes")


def _numbers(column: str, low: int, high: int, names: Mapping[str, int]) -> set[int]:
    found: set[int] = set()
    for item in column.split(","):
        span, _, step = item.partition("/")
        first, _, last = span.partition("-")
        start = low if span == "*" else _number(first, names)
        end = high if span == "*" or (step and not last) else _number(last, names) if last else start
        if not low <= start <= end <= high or (step and int(step) < 1):
            raise ValueError(f"{column} is out of bounds")
        found.update(range(start, end + 1, int(step) if step else 1))
    return found


def _number(text: str, names: Mapping[str, int]) -> int:
    return names[text] if text in names else int(text)
