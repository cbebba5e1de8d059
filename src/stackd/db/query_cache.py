"""The rows of queries that are repeated, as long as nothing is written to the database.

Whoever watches a stack asks the same again and again, and mostly nothing has happened. SQLite says in three
microseconds, without a thread, whether anything was written; a job of a reader costs twenty times as much.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple

from stackd.db.backend import Query
from stackd.recent import Recent, exact

Rows = list[list[Any]]
_Key = tuple[tuple[str, tuple[Any, ...]], ...]

_LARGEST: Final = 32_000
_LONGEST_ARGUMENT: Final = 200
_ALONE: Final = 800
"""Bytes in memory of a key with its arguments."""

_VALUE: Final = 60
"""Bytes in memory of a value in a row besides its text."""


class _Known(NamedTuple):
    """What queries found, and the version of the database before they ran; None after the first time."""

    version: int | None
    rows: Rows


class Lookup(NamedTuple):
    """What is known of some queries: ``rows`` if they still hold.

    Else their rows are to be read, and to be kept under ``key`` if there is one; ``version`` is that of the
    database before they are read.
    """

    rows: Rows | None = None
    key: _Key | None = None
    version: int | None = None


class QueryCache:
    """The rows of queries that were made at least twice; for the event loop alone.

    ``version`` returns a number that changes with every commit, whichever process makes it, or None if that
    is not known. ``most`` are bytes of memory.
    """

    def __init__(self, version: Callable[[], int | None], most: int = 4_000_000) -> None:
        self._version = version
        self._known: Recent[_Key, _Known] = Recent(most)

    def find(self, queries: Sequence[Query]) -> Lookup:
        """What is known of these queries."""
        key = tuple([(statement.text, args) for statement, args in queries])
        known = self._known.get(key)
        if known is None:
            if all(_is_short(args) for _, args in queries):
                self._known.put(key, _NOT_YET, _ALONE)
            return _UNKNOWN
        version = self._version()
        if version is None:
            return _UNKNOWN
        if known.version == version:
            return Lookup([[*rows] for rows in known.rows])
        return Lookup(None, key, version)

    def keep(self, found: Lookup, rows: Rows) -> None:
        """Keep the rows that were read after a lookup, unless they are many or large."""
        if found.key is None:
            return
        text = exact(rows)
        if text is not None and len(text) <= _LARGEST:
            values = sum([len(each) * len(each[0]) for each in rows if each])
            known = _Known(found.version, [[*each] for each in rows])
            self._known.put(found.key, known, _ALONE + len(text) + _VALUE * values)


_NOT_YET: Final = _Known(None, [])
_UNKNOWN: Final = Lookup()


def _is_short(args: Sequence[Any]) -> bool:
    return all(not isinstance(value, str | bytes) or len(value) <= _LONGEST_ARGUMENT for value in args)
