"""HTTP connections which slow and greedy clients cannot hold: deadlines, bounded heads, a bounded number.

None of this needs a token: anybody can do it who reaches the port. A connection *waits* until the head
of a request has come, and is *idle* between requests. When there are too many, those that have waited longest
are closed first, then those that have been idle longest; one with a request in progress never is.
"""

from __future__ import annotations

import asyncio
import resource
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import chain
from typing import Any, Final

from typing_extensions import override
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

_SPARE_FILES: Final = 200
"""Descriptors kept for the database, the cloud and child processes."""

_MOST_FILES: Final = 16_384


@dataclass(frozen=True, slots=True)
class ConnectionLimits:
    """Bytes and seconds that one client may take, and the number of connections.

    ``discarded`` are the bytes that are read, and thrown away, of a body after its request was answered.
    """

    head_bytes: int = 65_536
    head_seconds: float = 10.0
    body_seconds: float = 60.0
    discarded: int = 16_777_216
    discard_seconds: float = 10.0
    stuck_seconds: float = 60.0
    connections: int = 4096
    waiting: int = 512


def allowed_limits() -> ConnectionLimits:
    """The limits on a machine that allows this process a certain number of files, which is raised first."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = _MOST_FILES if hard == resource.RLIM_INFINITY else min(hard, _MOST_FILES)
    if soft != resource.RLIM_INFINITY and soft < most:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
        soft = most
    files = most if soft == resource.RLIM_INFINITY else soft
    connections = max(64, min(4096, files - _SPARE_FILES))
    return ConnectionLimits(connections=connections, waiting=max(32, min(512, connections // 4)))


@dataclass(slots=True)
class Connections:
    """The open connections of a process; those that wait or are idle, longest first."""

    limits: ConnectionLimits = field(default_factory=ConnectionLimits)
    waiting: dict[Connection, None] = field(default_factory=dict)
    idle: dict[Connection, None] = field(default_factory=dict)
    count: int = 0

    def opened(self, connection: Connection) -> None:
        """Count a new connection, which waits; close another one if there are too many."""
        self.count += 1
        self.is_waiting(connection)
        if self.count > self.limits.connections:
            self._close_oldest(but=connection)

    def closed(self, connection: Connection) -> None:
        """Stop counting a closed connection."""
        self.count -= 1
        self.is_busy(connection)

    def is_waiting(self, connection: Connection) -> None:
        """The head of a request is to come."""
        self.idle.pop(connection, None)
        self.waiting.setdefault(connection)
        if len(self.waiting) > self.limits.waiting:
            self._close_oldest(but=connection)

    def is_idle(self, connection: Connection) -> None:
        """A request was answered."""
        self.waiting.pop(connection, None)
        self.idle[connection] = None

    def is_busy(self, connection: Connection) -> None:
        """A request is being answered."""
        self.waiting.pop(connection, None)
        self.idle.pop(connection, None)

    def _close_oldest(self, *, but: Connection) -> None:
        """Close the one that is free for longest; ``but``, the newest, only if all others are busy."""
        others = (each for each in chain(self.waiting, self.idle) if each is not but)
        oldest = next(others, but)
        self.is_busy(oldest)
        oldest.transport.abort()


class Joined:
    """A transport for one answer, whose head goes out with what follows it: each would wake the client up."""

    __slots__ = ("_head", "_transport", "is_closing")

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._head: bytes | None = None
        self.is_closing = transport.is_closing

    def write(self, data: bytes) -> None:
        """Send more of the answer; nothing of it after the head alone."""
        if self._head is None:
            self._head = data
        elif self._head:
            head, self._head = self._head, b""
            self._transport.writelines((head, data))
        else:
            self._transport.write(data)

    def close(self) -> None:
        """Send what is left, and close the connection."""
        if self._head:
            self._transport.write(self._head)
        self._transport.close()


class Connection(HttpToolsProtocol):
    """One connection; ``others`` are all of this process."""

    def __init__(self, others: Connections, **options: Any) -> None:
        super().__init__(**options)
        self._others = others
        self._limits = others.limits
        self._timers: dict[str, asyncio.TimerHandle] = {}
        self._in_head = True
        self._received = 0
        self._discarding = False
        self._unsent = 0

    @override
    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._after("head", self._limits.head_seconds, self._late)
        self._others.opened(self)

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()
        self._others.closed(self)
        super().connection_lost(exc)

    @override
    def data_received(self, data: bytes) -> None:
        if self.transport.is_closing():
            return
        self._received += len(data)
        if self._discarding and self._received > self._limits.discarded:
            self.transport.abort()
            return
        super().data_received(data)
        if self._in_head and self._received > self._limits.head_bytes and not self.transport.is_closing():
            self._refuse(b"431 Request Header Fields Too Large")
        self._await_the_rest()

    def _await_the_rest(self) -> None:
        """Set a deadline for what has not come yet; most requests come whole and need none."""
        if self.transport.is_closing():
            return
        if not self._in_head:
            if "body" not in self._timers:
                self._after("body", self._limits.body_seconds, self._abort)
        elif self._received and self._is_free():
            self._others.is_waiting(self)
            if "head" not in self._timers:
                self._after("head", self._limits.head_seconds, self._late)

    @override
    def on_headers_complete(self) -> None:
        self._in_head = False
        size = len(self.url) + sum(map(len, chain.from_iterable(self.headers)))
        if size > self._limits.head_bytes:
            self._refuse(b"431 Request Header Fields Too Large")
            raise ValueError("The head of the request is too large.")
        self._received = 0
        self._cancel("head")
        self._others.is_busy(self)
        super().on_headers_complete()
        if not self.expect_100_continue and self.scope["method"] != "HEAD":  # nothing would follow its head
            answer: Any = Joined(self.transport)
            self.cycle.transport = answer

    @override
    def on_message_complete(self) -> None:
        self._in_head = True
        self._discarding = False
        self._received = 0
        self._cancel("body")
        super().on_message_complete()
        if self._is_free():
            self._others.is_idle(self)

    @override
    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self.transport.is_closing():
            return
        if not self._in_head:
            self._discarding = True
            self._received = 0
            self._after("body", self._limits.discard_seconds, self._abort)
        elif self._is_free():
            self._others.is_idle(self)

    @override
    def pause_writing(self) -> None:
        super().pause_writing()
        self._unsent = self.transport.get_write_buffer_size()
        self._after("unsent", self._limits.stuck_seconds, self._look_at_unsent)

    @override
    def resume_writing(self) -> None:
        self._cancel("unsent")
        super().resume_writing()

    @override
    def send_400_response(self, msg: str) -> None:
        if not self.transport.is_closing():
            super().send_400_response(msg)

    def _is_free(self) -> bool:
        """Whether no request is being answered."""
        return not self.pipeline and (self.cycle is None or self.cycle.response_complete)

    def _look_at_unsent(self) -> None:
        """Give up a client that does not read its answer."""
        unsent = self.transport.get_write_buffer_size()
        if unsent >= self._unsent:
            self.transport.abort()
            return
        self._unsent = unsent
        self._after("unsent", self._limits.stuck_seconds, self._look_at_unsent)

    def _late(self) -> None:
        """The head did not come in time."""
        if not self._is_free():  # what is being answered comes first
            self._after("head", self._limits.head_seconds, self._late)
        elif self._received:
            self._refuse(b"408 Request Timeout")
        else:
            self.transport.close()

    def _refuse(self, status: bytes) -> None:
        self.transport.write(b"HTTP/1.1 " + status + b"\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
        self.transport.close()

    def _abort(self) -> None:
        self.transport.abort()

    def _after(self, name: str, seconds: float, action: Callable[[], None]) -> None:
        self._cancel(name)
        self._timers[name] = self.loop.call_later(seconds, action)

    def _cancel(self, name: str) -> None:
        if (timer := self._timers.pop(name, None)) is not None:
            timer.cancel()
