"""Which members a scaling group has: their names, their order, and which of them go first. Pure."""

from __future__ import annotations

import hashlib
import string
from collections.abc import Iterator, Mapping, Sequence
from itertools import count
from typing import Any

from stackd.records import Resource, Status

_LENGTH = 12
_LETTERS = string.ascii_lowercase + string.digits


def member_name(group: str, ordinal: int) -> str:
    """The name of a group's member by how many were made before it.

    It looks random, but is the same in a plan, in the change that follows it, and after a crash.
    """
    digest = hashlib.sha256(f"{group}/{ordinal}".encode()).digest()
    first = string.ascii_lowercase[digest[0] % 26]
    return first + "".join(_LETTERS[each % len(_LETTERS)] for each in digest[1:_LENGTH])


def unused_names(group: str, start: int, used: Sequence[str]) -> Iterator[tuple[str, int]]:
    """Names for new members, each with the ordinal that follows it."""
    taken = frozenset(used)
    for ordinal in count(start):
        if (name := member_name(group, ordinal)) not in taken:
            yield name, ordinal + 1


def in_order(names: Sequence[str], rows: Mapping[str, Resource]) -> list[str]:
    """The names with failed members first, then the oldest first; members that are not made yet come last."""

    def turn(name: str) -> tuple[Any, ...]:
        row = rows.get(name)
        if row is None:
            return (2,)
        return (0 if row.status is Status.FAILED else 1, row.created_at, name)

    return sorted(names, key=turn)


def resized(
    group: str, names: Sequence[str], rows: Mapping[str, Resource], size: int, made: int
) -> tuple[list[str], int]:
    """The names after a change of size, and how many members were made in all.

    The first in order go first: those that failed, then the oldest.
    """
    kept = in_order(names, rows)
    if len(kept) > size:
        return kept[len(kept) - size :], made
    fresh = unused_names(group, made, kept)
    while len(kept) < size:
        name, made = next(fresh)
        kept.append(name)
    return kept, made
