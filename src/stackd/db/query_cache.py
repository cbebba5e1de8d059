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

_LARGEST: Final = 100_000
"""Bytes in memory of rows."""

_LARGEST_KEY: Final = 4_000
"""Bytes in memory of the arguments and the texts of queries."""

_ALONE: Final = 550
"""Bytes in memory of an entry without its key and its rows."""

_ROW: Final = 64
"""Bytes in memory of an empty row."""

_VALUE: Final = 60
"""Bytes in memory of a value in a row besides its text."""

_FEW: Final = 16
"""Arguments of queries whose texts are shared, as there are not many such texts."""


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
            if (size := _size_of_key(key)) <= _LARGEST_KEY:
                self._known.put(key, _NOT_YET, _ALONE + size)
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
        size = _size_of(rows)
        if size <= _LARGEST:
            known = _Known(found.version, [[*each] for each in rows])
            self._known.put(found.key, known, _ALONE + _size_of_key(found.key) + size)


_NOT_YET: Final = _Known(None, [])
_UNKNOWN: Final = Lookup()


def _size_of_key(key: _Key) -> int:
    """Bytes in memory of the arguments of queries, and of texts that few other queries have."""
    return sum([_size_of_row(args) + (len(text) if len(args) > _FEW else 0) for text, args in key])


def _size_of(rows: Rows) -> int:
    """Bytes in memory of rows; of large ones some number that is too large, without looking at all."""
    size = 0
    for found in rows:
        for row in found:
            size += _size_of_row(row)
            if size > _LARGEST:
                return size
    return size


def _size_of_row(row: tuple[Any, ...]) -> int:
    """Bytes in memory of some values; a quarter of it at worst, where texts are not in Latin letters."""
    return _ROW + _VALUE * len(row) + len(exact(row) or b"")
