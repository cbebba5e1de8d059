"""SQLite without what costs tests most and shows them nothing: threads, the disk, and making tables.

A hop to the thread of a connection and back takes longer than most statements, a database that is thrown
away need not be on the disk after every commit, and a copy of one with all tables is made in a fifth of the
time in which they are. Tests of the database itself have all of it as usual (``tests/conftest.py``).
"""

from __future__ import annotations

import asyncio
import os
import sqlite3
from collections import deque
from collections.abc import Callable
from contextlib import closing, suppress
from functools import cache
from typing import Any

from stackd.db import migrations, sqlite_connections
from stackd.db.sqlite import SqliteBackend
from stackd.db.sqlite_connections import Connection, DatabaseFile
from tests.support.virtual_time import VirtualTimeLoop

Job = tuple[asyncio.Future[Any] | None, Callable[[], Any]]

_THREADED = Connection
_DURABLE = sqlite_connections._PRAGMAS
_VOLATILE = _DURABLE.replace("synchronous=FULL", "synchronous=OFF")
_MOST_TRIES = 100_000
"""Turns of the loop, seconds in all, after which a job that finds the database locked has failed."""


class LoopJobs:
    """The jobs of a connection, which the event loop does in order, each in a turn of its own.

    A database that is locked is asked again after a turn: whoever has it locked runs on the same loop.
    """

    def __init__(self) -> None:
        self._waiting: deque[Job] = deque()
        self._tries = 0
        """How often the first of them found the database locked."""

    def put_nowait(self, job: Job) -> None:
        """Have a job done."""
        self._waiting.append(job)
        if len(self._waiting) == 1:
            asyncio.get_running_loop().call_soon(self._turn)

    def _turn(self) -> None:
        done, work = self._waiting[0]
        try:
            result = work()
        except BaseException as error:
            if self._is_locked(error):
                asyncio.get_running_loop().call_soon(self._turn)
                return
            if done is not None and not done.done():
                done.set_exception(error)
        else:
            if done is not None and not done.done():
                done.set_result(result)
        self._tries = 0
        self._waiting.popleft()
        if self._waiting:
            asyncio.get_running_loop().call_soon(self._turn)

    def _is_locked(self, error: BaseException) -> bool:
        if getattr(error, "sqlite_errorcode", None) != sqlite3.SQLITE_BUSY:
            return False
        self._tries += 1
        return self._tries < _MOST_TRIES


class _NoThread:
    """Stands for the thread of a connection that has none."""

    daemon = True

    def start(self) -> None:
        pass

    def join(self) -> None:
        pass


class LoopConnection(Connection):
    """A connection whose jobs are done by the event loop; a new database has all tables already."""

    def __init__(self, file: DatabaseFile) -> None:
        super().__init__(file)
        self._tx: Any = LoopJobs()
        self._thread: Any = _NoThread()
        connect = self._connector

        def connected() -> sqlite3.Connection:
            if file.is_new and file.path != ":memory:":
                _write_if_absent(file.path)
            opened = connect()
            if file.path == ":memory:":
                opened.deserialize(_with_tables())
            opened.execute("PRAGMA busy_timeout=0")  # to wait in SQLite would keep the loop from unlocking it
            return opened

        self._connector = connected


def _write_if_absent(path: str) -> None:
    with suppress(OSError):  # it exists, or opening it names the reason
        written = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        with open(written, "wb") as file:
            file.write(_with_tables())


@cache
def _with_tables() -> bytes:
    """A database with all tables, which are empty."""
    with closing(sqlite3.connect(":memory:")) as made:
        for statement in migrations._definitions(SqliteBackend.statements.dialect):
            made.execute(statement)
        made.commit()
        return made.serialize()


def _connection(file: DatabaseFile) -> Connection:
    """A connection for the running loop: in real time threads are part of what is tested."""
    is_virtual = isinstance(asyncio.get_running_loop(), VirtualTimeLoop)
    return LoopConnection(file) if is_virtual else _THREADED(file)


def spare_threads_and_disk(spared: bool) -> None:
    """Have databases that are opened from now on work in the loop and in memory, or as they usually do."""
    vars(sqlite_connections).update(
        Connection=_connection if spared else _THREADED, _PRAGMAS=_VOLATILE if spared else _DURABLE
    )
