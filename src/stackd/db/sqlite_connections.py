"""Connections to SQLite: opens them, gives each to one user at a time, and converts their errors.

One besides is for the event loop itself, which learns from it whether anything was written.
"""

from __future__ import annotations

import asyncio
import logging
import os
import sqlite3
import time
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, suppress
from functools import partial
from types import TracebackType
from typing import Any, TypeVar
from urllib.parse import quote

import aiosqlite
from aiosqlite.core import _STOP_RUNNING_SENTINEL

from stackd.db.backend import DatabaseMissing, Unreachable

T = TypeVar("T")

_BUSY_SECONDS = 5
_WAL_PAUSE = 0.02
_DATA_VERSION = "PRAGMA data_version"
_CACHED_STATEMENTS = 512
_ROWS_IN_CHUNK = 64
_PRAGMAS = """
PRAGMA journal_mode=WAL;
PRAGMA synchronous=FULL;
PRAGMA foreign_keys=ON;
PRAGMA temp_store=MEMORY;
PRAGMA cache_size=-16000;
"""
# Error codes whose cause is temporary or in the machine, not in the statement.
_PASSING = frozenset(
    getattr(sqlite3, f"SQLITE_{cause}")
    for cause in ("BUSY", "LOCKED", "FULL", "IOERR", "CANTOPEN", "READONLY", "NOMEM", "PROTOCOL")
)

logging.getLogger("aiosqlite").setLevel(logging.INFO)  # at DEBUG it writes the values of every statement


class Connection(aiosqlite.Connection):
    """One connection to a database, with a thread that does its jobs one after the other."""

    def __init__(self, file: DatabaseFile) -> None:
        super().__init__(partial(_open, file), _ROWS_IN_CHUNK)
        self._thread.daemon = True  # an unclosed connection does not keep the process from ending

    def __del__(self) -> None:
        """End the thread of a connection that was not closed.

        aiosqlite has that reported to the event loop: one that is closed by then makes the thread print a
        traceback, at which an interpreter that ends at the same moment aborts.
        """
        if self._connection is not None:
            self._tx.put_nowait((None, lambda: _STOP_RUNNING_SENTINEL))

    async def run(self, job: Callable[[sqlite3.Connection], T]) -> T:
        """Result of ``job``, which the thread does even if this caller is cancelled."""
        done: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._tx.put_nowait((done, partial(job, self._conn)))  # what `_execute` comes to
        return await done

    async def ended(self) -> None:
        """Return when the thread has ended, which is told to if the database cannot be opened.

        Else the event loop may be closed when the thread reports its end, which prints a traceback.
        """
        await asyncio.to_thread(self._thread.join)


class DatabaseFile:
    """The file at ``path``, and whether it is still the one that was opened.

    SQLite would go on writing to a file that was removed, and all would be lost with the process.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        self._opened: tuple[int, int] | None = None

    @property
    def is_new(self) -> bool:
        """Whether it was not opened yet, and may have to be made."""
        return self._opened is None

    def opened(self) -> None:
        """Remember the file that is opened first."""
        if self._opened is None:
            self._opened = self._identity()

    def check(self) -> None:
        """Raise ``DatabaseMissing`` if the file was removed or replaced."""
        if self._opened is not None and self._identity() != self._opened:
            raise DatabaseMissing("The database file was removed or replaced.")

    def _identity(self) -> tuple[int, int] | None:
        if self.path == ":memory:":
            return None
        try:
            found = os.stat(self.path)
        except OSError:
            return None
        return found.st_dev, found.st_ino


class DataVersion:
    """A number that changes with every commit to a database file, whichever process makes it.

    It is asked for on the event loop: SQLite compares a counter in memory that all its users share.
    """

    def __init__(self, file: DatabaseFile) -> None:
        self._file = file
        self._connections: list[sqlite3.Connection] = []

    @property
    def is_watched(self) -> bool:
        """Whether the number can be known; in memory there is one connection, which sees only its own."""
        return bool(self._connections) or self._file.path == ":memory:"

    def watch(self, _: sqlite3.Connection) -> None:
        """Connect to the file; a job of a connection that has opened it."""
        with suppress(sqlite3.Error, DatabaseMissing):  # the next one may succeed
            connection = _connect(self._file, timeout=0, check_same_thread=False)
            connection.execute(_DATA_VERSION).fetchall()  # what takes long is done the first time
            self._connections.append(connection)

    def now(self) -> int | None:
        """The number, which means nothing by itself; None if it is not known."""
        if not self._connections:
            return None
        try:
            [(version,)] = self._connections[0].execute(_DATA_VERSION)
        except sqlite3.Error:  # whoever reads then gets the reason
            return None
        return int(version)

    def close(self) -> None:
        """Stop watching."""
        while self._connections:
            self._connections.pop().close()


class Connections:
    """At most ``size`` connections to a database file, opened when they are needed."""

    def __init__(self, file: DatabaseFile, size: int) -> None:
        self._file = file
        self._size = size
        self._free = asyncio.Semaphore(size)
        self._idle: list[Connection] = []

    def one(self) -> AbstractAsyncContextManager[Connection]:
        """A connection for one user; jobs left by a cancelled user run first."""
        return _Use(self)

    async def take(self) -> Connection:
        """A connection, once one is free, which has to be given ``back``."""
        await self._free.acquire()
        try:
            self._file.check()
            return self._idle.pop() if self._idle else await self._opened()
        except BaseException as error:
            self._free.release()
            self.refuse(error)
            raise

    def back(self, connection: Connection) -> None:
        """Give a connection back."""
        self._idle.append(connection)
        self._free.release()

    def refuse(self, error: BaseException) -> None:
        """Raise ``Unreachable`` for an error whose cause is temporary or in the machine."""
        if isinstance(error, sqlite3.Error) and _passes(error):
            self._file.check()  # the better reason
            raise Unreachable(str(error)) from error

    async def _opened(self) -> Connection:
        connection = Connection(self._file)
        opening = asyncio.ensure_future(_connected(connection))
        try:
            await asyncio.shield(opening)
        except asyncio.CancelledError:  # its thread must not report to a loop that is closed by then
            with suppress(sqlite3.Error, DatabaseMissing):
                await opening
                await connection.close()
            raise
        self._file.opened()
        return connection

    async def close(self) -> None:
        """Close all connections once they are not in use; using one later is an error."""
        for _ in range(self._size):
            await self._free.acquire()
        for connection in self._idle:
            await connection.close()
        for _ in range(self._size):
            self._free.release()


class _Use:
    """A connection in use; a generator in its place would take a fifth of the time of a small read."""

    __slots__ = ("_connection", "_connections")

    def __init__(self, connections: Connections) -> None:
        self._connections = connections

    async def __aenter__(self) -> Connection:
        self._connection = await self._connections.take()
        return self._connection

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._connections.back(self._connection)
        if error is not None:
            self._connections.refuse(error)


async def _connected(connection: Connection) -> None:
    """Return when a connection is open; if it cannot be, its thread has ended when that is raised."""
    try:
        await connection
    except (sqlite3.Error, DatabaseMissing):
        await connection.ended()
        raise


def _open(file: DatabaseFile) -> sqlite3.Connection:
    path, new = file.path, file.is_new
    if path != ":memory:" and new:
        # Only a new file is opened here: closing any descriptor of an existing one would drop the locks that
        # other connections of this process hold on it, and another process could then remove the log.
        with suppress(OSError):  # it exists, or connect names the reason better
            os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    connection = _connect(file, timeout=_BUSY_SECONDS)
    give_up_at = time.monotonic() + _BUSY_SECONDS
    while True:  # for the write-ahead log alone SQLite does not wait by itself for other processes
        try:
            connection.executescript(_PRAGMAS)
            return connection
        except sqlite3.DatabaseError as error:
            if not _passes(error) or time.monotonic() > give_up_at:
                connection.close()
                raise
        time.sleep(_WAL_PAUSE)


def _connect(file: DatabaseFile, **options: Any) -> sqlite3.Connection:
    """A connection to the file, which SQLite makes only if it is new."""
    new = file.is_new
    connection: sqlite3.Connection = sqlite3.connect(
        file.path if new else f"file:{quote(file.path)}?mode=rw",
        isolation_level=None,
        cached_statements=_CACHED_STATEMENTS,
        uri=not new,
        **options,
    )
    try:
        file.check()  # before anything is written to a file that took the place of ours
    except DatabaseMissing:
        connection.close()
        raise
    return connection


def _passes(error: BaseException) -> bool:
    code = getattr(error, "sqlite_errorcode", None)
    return isinstance(code, int) and code & 0xFF in _PASSING
