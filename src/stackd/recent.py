"""Caches of what was used last; `cachetools`, which can do more, takes ten times as long."""

from __future__ import annotations

import marshal
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterable
from functools import lru_cache, wraps
from sys import getsizeof
from typing import Any, Final, Generic, TypeVar

_WITHOUT_REFERENCES: Final = 2
"""The version of the format in which equal data always becomes the same bytes."""


def exact(data: Any) -> bytes | None:
    """Bytes that are the same for equal plain data of equal types in the same order; None for other data."""
    try:
        return marshal.dumps(data, _WITHOUT_REFERENCES)
    except ValueError:
        return None


def memory_of(values: Iterable[Any]) -> int:
    """Bytes in memory of some texts and numbers, but not of what else they refer to."""
    return sum(map(getsizeof, values))


K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


def remembered(most: int, longest: int) -> Callable[[Callable[[str], V]], Callable[[str], V]]:
    """A decorator: the results for the ``most`` texts asked for last are remembered, in all threads.

    Those for texts of more than ``longest`` characters are not: callers choose how long these are.
    """

    def decorate(function: Callable[[str], V]) -> Callable[[str], V]:
        known = lru_cache(most)(function)

        @wraps(function)
        def find(text: str) -> V:
            return known(text) if len(text) <= longest else function(text)

        return find

    return decorate


class Recent(Generic[K, V]):
    """Values by key, none of them None: those used last whose weights together are at most ``most``.

    For one thread. The oldest entry is found at once: in a ``dict``, each search for the first one passes
    over all that were removed, and to make room for something large took seconds.
    """

    __slots__ = ("_kept", "_most", "_weight")

    def __init__(self, most: int) -> None:
        self._most = most
        self._weight = 0
        self._kept: OrderedDict[K, tuple[V, int]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._kept)

    def get(self, key: K) -> V | None:
        """The value, which now is the one used last; None if it is not kept."""
        kept = self._kept.get(key)
        if kept is None:
            return None
        self._kept.move_to_end(key)
        return kept[0]

    def forget(self, key: K) -> None:
        """Keep a value no longer."""
        self._weight -= self._kept.pop(key, (None, 0))[1]

    def clear(self) -> None:
        """Keep nothing of what there is."""
        self._kept.clear()
        self._weight = 0

    def put(self, key: K, value: V, weight: int = 1) -> V:
        """Keep a value, and forget those that were not used for the longest time; returns it."""
        self.forget(key)
        self._weight += weight
        self._kept[key] = value, weight
        while self._weight > self._most:
            self._weight -= self._kept.popitem(last=False)[1][1]
        return value
