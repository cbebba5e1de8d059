"""How a plain YAML scalar gets its type: YAML 1.1, with times left as text.

The table is looked up by the first character, because most scalars are ordinary words.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

MAX_NUMBER_LENGTH: Final = 1000

_WORDS: Final[Mapping[str, Any]] = {
    "": None,
    **dict.fromkeys(("~", "null", "Null", "NULL")),
    **dict.fromkeys(("yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON"), True),
    **dict.fromkeys(("no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF"), False),
    **dict.fromkeys((".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF"), float("inf")),
    **dict.fromkeys(("-.inf", "-.Inf", "-.INF"), float("-inf")),
    **dict.fromkeys((".nan", ".NaN", ".NAN"), float("nan")),
}

_DECIMAL: Final = re.compile(r"[-+]?(?:0|[1-9][0-9_]*)\Z")
_OCTAL: Final = re.compile(r"[-+]?0[0-7_]+\Z")
_BINARY: Final = re.compile(r"[-+]?0b[01_]+\Z")
_HEX: Final = re.compile(r"[-+]?0x[0-9a-fA-F_]+\Z")
_BASE_60: Final = re.compile(r"[-+]?[1-9][0-9_]*(?::[0-5]?[0-9])+\Z")
_FLOAT: Final = re.compile(r"(?:[-+]?[0-9][0-9_]*\.[0-9_]*|\.[0-9][0-9_]*)(?:[eE][-+][0-9]+)?\Z")
_FLOAT_60: Final = re.compile(r"[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+\.[0-9_]*\Z")

_NUMBER_START: Final = frozenset("0123456789+-.")
_SPECIAL_START: Final = _NUMBER_START | {word[:1] for word in _WORDS}


def _base_60(text: str) -> int | float:
    sign = -1 if text[0] == "-" else 1
    total: int | float = 0
    for digits in text.lstrip("+-").split(":"):
        total = total * 60 + (float(digits) if "." in digits else int(digits))
    return sign * total


def _in_base(prefix: str, base: int) -> Callable[[str], int]:
    def convert(text: str) -> int:
        digits = text.replace(prefix, "", 1) if prefix else text
        return int(digits, base) if digits.strip("+-") else 0

    return convert


_NUMBERS: Final[tuple[tuple[re.Pattern[str], Callable[[str], int | float]], ...]] = (
    (_DECIMAL, int),
    (_FLOAT, float),
    (_OCTAL, _in_base("", 8)),
    (_HEX, _in_base("0x", 16)),
    (_BINARY, _in_base("0b", 2)),
    (_BASE_60, _base_60),
    (_FLOAT_60, _base_60),
)


def resolve_scalar(text: str) -> Any:
    """The value of a plain scalar; raises ValueError for a number too long to be meant."""
    if text[:1] not in _SPECIAL_START:
        return text
    if text in _WORDS:
        return _WORDS[text]
    if text[0] not in _NUMBER_START:
        return text
    for pattern, convert in _NUMBERS:
        if pattern.match(text):
            if len(text) > MAX_NUMBER_LENGTH:
                raise ValueError(f"a number of {len(text)} digits is not supported")
            return convert(text.replace("_", ""))
    return text


def key_text(value: Any) -> str:
    """A mapping key as JSON would write it, because templates are stored and sent as JSON."""
    if value is None:
        return "null"
    if value is True:
        return "true"
    if value is False:
        return "false"
    return value if isinstance(value, str) else str(value)
