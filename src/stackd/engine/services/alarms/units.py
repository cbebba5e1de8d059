"""Units of measurement, and how old guests spell them."""

from __future__ import annotations

from typing import Final

_SCALED: Final = [
    f"{prefix}{unit}" for unit in ("Bytes", "Bits") for prefix in ("", "Kilo", "Mega", "Giga", "Tera")
]
_AMOUNTS: Final = [each.capitalize() for each in _SCALED]
NONE: Final = "None"
UNITS: Final[tuple[str, ...]] = (
    *("Seconds", "Microseconds", "Milliseconds"),
    *_AMOUNTS,
    *("Percent", "Count"),
    *(f"{each}/Second" for each in (*_AMOUNTS, "Count")),
    NONE,
)
_BY_SPELLING: Final = {unit.casefold(): unit for unit in UNITS} | {"counter": "Count"}


def known_unit(text: str) -> str | None:
    """The unit that is meant, in whatever case; None if there is no such unit."""
    return _BY_SPELLING.get(text.casefold())
