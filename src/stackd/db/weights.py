"""Estimates how long values take to encode, from their size, without encoding them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import cache
from typing import Any, Final

_NODE: Final = 16
"""What an entry of a list or map counts besides the characters in it."""
_WEIGHTLESS: Final = frozenset({type(None), bool, int, float, datetime})
"""Common classes of values that have no weight of their own."""


@cache
def _is_mapping(kind: Any) -> bool:
    """Whether a class is one of mappings; asked anew, that takes ten times as long."""
    return issubclass(kind, Mapping)


def outweigh(values: Iterable[Any], most: int) -> bool:
    """Whether there are more characters and entries in some values than ``most``.

    The time that it takes is bounded by ``most``, not by what there is.
    """
    weight, waiting = 0, list(values)
    while waiting:
        value = waiting.pop()
        kind: Any = type(value)
        if kind in _WEIGHTLESS:
            continue
        if kind is str or kind is bytes:
            weight += len(value)
        elif kind is list or kind is tuple or kind is dict or _is_mapping(kind):
            weight += _NODE * len(value)
            if weight <= most:
                waiting.extend(value if kind is list or kind is tuple else value.values())
        if weight > most:
            return True
    return False
