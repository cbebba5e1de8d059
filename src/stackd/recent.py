"""A cache of what was used last, for one thread; `cachetools`, which can do more, takes ten times as long."""

from __future__ import annotations

import marshal
from collections.abc import Hashable
from typing import Any, Final, Generic, TypeVar

_WITHOUT_REFERENCES: Final = 2
"""The version of the format in which equal data always becomes the same bytes."""


def exact(data: Any) -> bytes | None:
    """Bytes that are the same for equal plain data of equal types in the same order; None for other data."""
    try:
        return marshal.dumps(data, _WITHOUT_REFERENCES)
    except ValueError:
        return None


K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Recent(Generic[K, V]):
    """Values by key, none of them None: those used last whose weights together are at most ``most``."""

    __slots__ = ("_kept", "_most", "_weight")

    def __init__(self, most: int) -> None:
        self._most = most
        self._weight = 0
        self._kept: dict[K, tuple[V, int]] = {}

    def __len__(self) -> int:
        return len(self._kept)

    def get(self, key: K) -> V | None:
        """The value, which now is the one used last; None if it is not kept."""
        kept = self._kept.pop(key, None)
        if kept is None:
            return None
        self._kept[key] = kept
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
            self._weight -= self._kept.pop(next(iter(self._kept)))[1]
        return value
