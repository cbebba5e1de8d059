"""The database: opens it by URL, and reads with statements that are compiled once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

import structlog
from sqlalchemy import literal, select
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError
from sqlalchemy.sql.elements import CompilerElement

from stackd.db.backend import Backend, DatabaseMissing, Query, Unreachable
from stackd.db.codec import Codecs, Sealer
from stackd.db.sqlite import SqliteBackend
from stackd.db.statements import Statement
from stackd.errors import ServiceUnavailable, StackdError
from stackd.recent import Recent
from stackd.records import now

log = structlog.get_logger(__name__)

_DOCUMENTS_CACHED = 16_000_000
"""Bytes of the bodies of documents."""

_PING = select(literal(1))


def open_backend(url: str, readers: int) -> Backend:
    """The backend for ``url``; a driver named in the URL is ignored. ``readers`` are those of a server."""
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        raise StackdError("The database URL is malformed.") from error
    family = parsed.get_backend_name()
    if family == "sqlite":
        return SqliteBackend(parsed.database or ":memory:")
    if family in {"postgresql", "postgres"}:
        from stackd.db.postgresql import PostgresBackend  # its driver is 10 MB that SQLite does not need

        dsn = parsed.set(drivername="postgresql").render_as_string(hide_password=False)
        return PostgresBackend(dsn, readers)
    raise StackdError(f"The database URL names {family}; sqlite and postgresql are supported.")


class Database:
    """One database and what is needed to read its rows.

    ``document_key`` keys the content ids of documents, so that an id reveals nothing about a body to one
    who can see ids. ``clock`` returns the time for leases. ``trouble`` says why the database does not answer.
    """

    def __init__(
        self,
        backend: Backend,
        sealer: Sealer,
        *,
        document_key: bytes = b"stackd.documents",
        clock: Callable[[], datetime] = now,
    ) -> None:
        self.backend = backend
        self.statements = backend.statements
        self.sealer = sealer
        self.codecs = Codecs(sealer)
        self.document_key = document_key
        self.clock = clock
        self.trouble = ""
        self.documents: Recent[tuple[str, str], bytes] = Recent(_DOCUMENTS_CACHED)

    @classmethod
    async def open(
        cls,
        url: str,
        sealer: Sealer,
        *,
        read_pool: int = 4,
        document_key: bytes = b"stackd.documents",
        clock: Callable[[], datetime] = now,
    ) -> Database:
        """Connect to ``sqlite:///path``, ``sqlite://`` (in memory) or ``postgresql://…``.

        The schema is not touched; ``migrations.upgrade`` makes and updates it.
        """
        database = cls(open_backend(url, read_pool), sealer, document_key=document_key, clock=clock)
        try:
            await database.ping()
        except BaseException:
            await database.close()
            raise
        return database

    async def close(self) -> None:
        """Close all connections after the running reads and writes."""
        await self.backend.close()

    async def ping(self) -> None:
        """Raise ``ServiceUnavailable`` unless the database answers."""
        await self.fetch(_PING)

    async def fetch(self, element: CompilerElement, params: Mapping[str, Any] | None = None) -> list[Any]:
        """Rows of a query that is a constant of its module."""
        return await self.fetch_statement(self.statements.constant(element), params or {})

    async def fetch_once(self, element: CompilerElement) -> list[Any]:
        """Rows of a query that was made for this call."""
        return await self.fetch_statement(self.statements.once(element), {})

    async def fetch_statement(self, statement: Statement, params: Mapping[str, Any]) -> list[Any]:
        """Rows of a compiled query."""
        return (await self.fetch_together((statement, statement.args(params))))[0]

    async def fetch_together(self, *queries: Query) -> list[list[Any]]:
        """The rows of each of some compiled queries, which cost little more together than one alone."""
        try:
            return await self.backend.fetch(*queries)
        except Unreachable as error:
            raise self.unavailable(error) from error

    async def modify(self, element: CompilerElement, params: Mapping[str, Any] | None = None) -> list[Any]:
        """Rows that a changing statement (a constant of its module) returns, committed at once."""
        return await self._modify(self.statements.constant(element), params or {})

    async def modify_rows(self, statement: Statement, params: Mapping[str, Any]) -> list[Any]:
        """Rows that a compiled changing statement returns, committed at once."""
        return await self._modify(statement, params)

    async def modify_once(self, element: CompilerElement) -> list[Any]:
        """Rows that a changing statement returns, which was made for this call."""
        return await self._modify(self.statements.once(element), {})

    async def _modify(self, statement: Statement, params: Mapping[str, Any]) -> list[Any]:
        known = self.trouble
        try:
            rows = await self.backend.modify(statement, statement.args(params))
        except Unreachable as error:
            raise self.unavailable(error) from error
        self.note_success(known)
        return rows

    def check(self) -> None:
        """Raise ``ServiceUnavailable`` if it is known, without asking, that there is no database."""
        try:
            self.backend.check()
        except Unreachable as error:
            raise self.unavailable(error) from error

    def unavailable(self, error: Unreachable) -> ServiceUnavailable:
        """The error for callers; the log has one line with the reason until the database answers again."""
        if str(error) != self.trouble:
            self.trouble = str(error)
            if isinstance(error, DatabaseMissing):
                log.critical("database_gone", reason=self.trouble, remedy="Restore it, then start again.")
            else:
                log.error("database_unreachable", reason=self.trouble)
        return ServiceUnavailable(
            str(error) if isinstance(error, DatabaseMissing) else "The database does not answer."
        )

    def note_success(self, known: str) -> None:
        """Note that a write has succeeded. ``known`` is ``trouble`` as it was when the write began.

        A write that began before the database went away does not show that it is back.
        """
        if self.trouble and self.trouble == known:
            log.warning("database_answers_again", after=known)
            self.trouble = ""
