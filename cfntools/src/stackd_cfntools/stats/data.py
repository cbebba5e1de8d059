"""One measurement, and the units in AWS's spelling."""

from typing import Dict, NamedTuple


class Datum(NamedTuple):
    """One measurement."""

    name: str
    value: float
    unit: str


SIZES: Dict[str, int] = {"bytes": 1, "kilobytes": 1024, "megabytes": 1024**2, "gigabytes": 1024**3}

_SPELLED = [
    "Seconds",
    "Microseconds",
    "Milliseconds",
    "Bytes",
    "Kilobytes",
    "Megabytes",
    "Gigabytes",
    "Terabytes",
    "Bits",
    "Kilobits",
    "Megabits",
    "Gigabits",
    "Terabits",
    "Percent",
    "Count",
    "Bytes/Second",
    "Kilobytes/Second",
    "Megabytes/Second",
    "Gigabytes/Second",
    "Terabytes/Second",
    "Bits/Second",
    "Kilobits/Second",
    "Megabits/Second",
    "Gigabits/Second",
    "Terabits/Second",
    "Count/Second",
    "None",
]
_BY_LOWER = dict({each.lower(): each for each in _SPELLED}, counter="Count")


def unit_of(text: str) -> str:
    """The unit as AWS spells it; what it does not know stays as it is typed."""
    return _BY_LOWER.get(text.lower(), text)
