"""Serves ASGI applications over HTTP in this event loop until a signal; configures the process's log."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import json
import logging
import os
import re
import signal
import socket
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator, MutableMapping, Sequence
from functools import partial
from typing import Any, Literal

import orjson
import structlog
import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send

from stackd.connections import Connection, Connections, allowed_limits
from stackd.errors import StackdError
from stackd.settings import Listener, Settings

log = structlog.get_logger(__name__)

_GRACE = 5
"""Seconds that running requests have to end when the server stops."""


_KEEP_ALIVE = 75
"""Seconds that an idle connection stays open: longer than the five between two polls of the usual clients,
which would else find it just closed.
"""

_TRACEBACKS = structlog.processors.format_exc_info
_STACKS = structlog.processors.StackInfoRenderer()
_NEEDS_QUOTES = re.compile("[ \\t=\\r\\n\"']")


class AddressInUse(StackdError):
    """The address to listen on cannot be used."""

    def __init__(
        self, listener: Listener, why: str | None, *, setting: Literal["host", "port"] = "port"
    ) -> None:
        super().__init__(f"Cannot listen on {listener.host}:{listener.port}: {why}")
        self.port = listener.port
        self.setting = setting
        """What of the listener another value helps with."""


class Deferred:
    """An application that is built, in a thread, for its first request."""

    def __init__(self, make: Callable[[], ASGIApp]) -> None:
        self._make = make
        self._app: ASGIApp | None = None
        self._lock = asyncio.Lock()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        app = self._app or await self._built()
        await app(scope, receive, send)

    async def _built(self) -> ASGIApp:
        async with self._lock:
            if self._app is None:
                self._app = await asyncio.to_thread(self._make)
            return self._app


async def serve_http(
    served: Sequence[tuple[Listener, ASGIApp]], *, ready: asyncio.Event | None = None
) -> None:
    """Serve each application on its listener until SIGTERM, SIGINT or cancellation."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(listen(listener)) for listener, _ in served]
        connections = Connections(allowed_limits())
        servers = [_Server(_config(app, connections)) for _, app in served]
        tasks = [
            asyncio.create_task(server.serve(sockets=[sock]), name="http")
            for server, sock in zip(servers, sockets, strict=True)
        ]
        stop = asyncio.Event()
        with _stopped_by_signals(stop):
            try:
                await asyncio.gather(
                    *(_started(server, task) for server, task in zip(servers, tasks, strict=True))
                )
                for listener, _ in served:
                    log.info("listening", host=listener.host, port=listener.port)
                if ready is not None:
                    ready.set()
                waiting = asyncio.create_task(stop.wait())
                await asyncio.wait([waiting, *tasks], return_when=asyncio.FIRST_COMPLETED)
                waiting.cancel()
            finally:
                for server in servers:
                    server.should_exit = True
                await asyncio.gather(*tasks)


async def _started(server: uvicorn.Server, task: asyncio.Task[None]) -> None:
    """Return when the server answers requests, or has failed to start."""
    while not server.started and not task.done():  # noqa: ASYNC110  # uvicorn has no event for it
        await asyncio.sleep(0.005)


def listen(listener: Listener) -> socket.socket:
    """A listening socket; ``AddressInUse`` names the address that cannot be had."""
    family = socket.AF_INET6 if ":" in listener.host else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        sock.bind((listener.host, listener.port))
        sock.listen(2048)
    except OSError as error:
        sock.close()
        wrong_host = isinstance(error, socket.gaierror) or error.errno == errno.EADDRNOTAVAIL
        raise AddressInUse(listener, error.strerror, setting="host" if wrong_host else "port") from error
    sock.setblocking(False)
    return sock


def _config(app: ASGIApp, connections: Connections) -> uvicorn.Config:
    protocol: Any = partial(Connection, connections)
    return uvicorn.Config(
        app,
        http=protocol,
        ws="none",
        lifespan="off",
        access_log=False,
        log_config=None,
        proxy_headers=False,
        server_header=False,
        date_header=False,
        timeout_graceful_shutdown=_GRACE,
        timeout_keep_alive=_KEEP_ALIVE,
    )


class _Server(uvicorn.Server):
    """Leaves signals to ``serve_http``."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture none."""
        yield


@contextlib.contextmanager
def _stopped_by_signals(stop: asyncio.Event) -> Iterator[None]:
    """Set ``stop`` on SIGTERM and SIGINT, unless the event loop's owner has handlers of its own."""
    loop = asyncio.get_running_loop()
    taken = []
    for number in (signal.SIGTERM, signal.SIGINT):
        if signal.getsignal(number) in (signal.SIG_DFL, signal.default_int_handler):
            with contextlib.suppress(ValueError, RuntimeError, NotImplementedError):
                loop.add_signal_handler(number, stop.set)
                taken.append(number)
    try:
        yield
    finally:
        for number in taken:
            loop.remove_signal_handler(number)


@contextlib.asynccontextmanager
async def lag_probe(interval: float = 0.01) -> AsyncIterator[None]:
    """Measure the lag of the event loop; log the longest of each second and the longest of all.

    ``own_ms`` is the longest for which the loop itself was computing, in CPU time of its thread: what other
    threads and processes took is not in it.
    """
    worst = 0.0

    async def measure() -> None:
        nonlocal worst
        longest = own = 0.0
        logged_at = time.monotonic()
        while True:
            before, computed = time.monotonic(), time.thread_time()
            await asyncio.sleep(interval)
            late = time.monotonic() - before - interval
            longest, worst = max(longest, late), max(worst, late)
            own = max(own, min(late, time.thread_time() - computed))
            if time.monotonic() - logged_at >= 1.0:
                log.info("loop_lag", max_ms=round(longest * 1000, 2), own_ms=round(own * 1000, 2))
                longest = own = 0.0
                logged_at = time.monotonic()

    task = asyncio.create_task(measure(), name="lag probe")
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        log.info("loop_lag_total", max_ms=round(worst * 1000, 2))


def configure_log(settings: Settings) -> None:
    """Structured lines on standard error, in the form and from the level that the settings name."""
    level = getattr(logging, settings.log.level.upper())
    if settings.log.format == "json":
        renderer: list[Any] = [_with_traceback, structlog.processors.JSONRenderer(json_line)]
    elif sys.stderr.isatty() and not os.environ.get("NO_COLOR"):
        renderer = [structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)]
    else:
        renderer = [_with_traceback, plain_line]
    structlog.configure(
        processors=[structlog.contextvars.merge_contextvars, Stamp(), *renderer],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.WriteLoggerFactory(file=sys.stderr),
        cache_logger_on_first_use=False,
    )
    logging.basicConfig(level=max(level, logging.WARNING), stream=sys.stderr, force=True)


class Stamp:
    """Puts level and time into a record, and the stack where one was asked for.

    What structlog has for each of these is called for every line, though hardly any has a stack, and makes
    the whole text of the time anew, of which only the fraction of the second is new in most lines.
    """

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._known = (-1, "")

    def __call__(
        self, logger: Any, method: str, record: MutableMapping[str, Any]
    ) -> MutableMapping[str, Any]:
        """The record with its stamp."""
        record["level"] = method
        second, fraction = divmod(self._clock(), 1.0)
        known, text = self._known
        if second != known:
            text = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(second))
            self._known = int(second), text
        record["timestamp"] = f"{text}.{int(fraction * 1_000_000):06d}Z"
        return _STACKS(logger, method, record) if "stack_info" in record else record


def _with_traceback(logger: Any, method: str, record: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """The record with the traceback of its exception, if it has one."""
    return _TRACEBACKS(logger, method, record) if "exc_info" in record else record


def plain_line(logger: Any, method: str, record: MutableMapping[str, Any]) -> str:
    """A line of the log for people, without colours; structlog's own renderer needs four times the CPU."""
    line = [f"{record.pop('timestamp')} [{record.pop('level'):<9}] {record.pop('event'):<30}"]
    below = [str(text) for key in ("stack", "exception") if (text := record.pop(key, None))]
    for name in sorted(record):
        value = record[name]
        is_plain = isinstance(value, str) and not _NEEDS_QUOTES.search(value)
        line.append(f"{name}={value if is_plain else repr(value)}")
    return "\n\n".join([" ".join(line).rstrip(), *below])


def json_line(record: MutableMapping[str, Any], default: Callable[[Any], Any]) -> str:
    """A line of the log for programs."""
    try:
        return orjson.dumps(record, default=default).decode()
    except TypeError:  # such as integers beyond 64 bits
        return json.dumps(record, default=default)
