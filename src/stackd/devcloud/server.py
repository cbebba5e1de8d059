"""Serving a dev cloud over HTTP on a loopback address."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import time
from collections.abc import Callable, Iterator
from typing import Any

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from stackd.devcloud.cloud import ABORT, DevCloud
from stackd.devcloud.settings import DevCloudSettings
from stackd.devcloud.store import Clock

Ready = Callable[[DevCloud], Any] | asyncio.Event


class DroppableProtocol(HttpToolsProtocol):
    """HTTP/1.1 with an ASGI extension that cuts the connection without an answer."""

    def on_message_begin(self) -> None:
        """Offer the extension to the request that begins."""
        super().on_message_begin()
        self.scope["extensions"] = {ABORT: {"cut": self.transport.abort}}


def listen(host: str, port: int) -> socket.socket:
    """A listening socket; port 0 takes any free one."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.bind((host, port))
    sock.listen(2048)
    sock.setblocking(False)
    return sock


def url_of(sock: socket.socket) -> str:
    """The HTTP URL under which a listening socket is reached."""
    host, port = sock.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


async def serve(settings: DevCloudSettings, *, ready: Ready | None = None, clock: Clock = time.time) -> None:
    """Serve a new dev cloud until cancelled.

    `ready` is notified once calls are answered: a callable gets the cloud (its `world.base_url` and
    `auth_url` are then known), an event is set. `clock` returns the cloud's time.
    """
    sock = listen(settings.host, settings.port)
    cloud = DevCloud(settings, base_url=url_of(sock), clock=clock)
    config = uvicorn.Config(
        cloud.app, http=DroppableProtocol, ws="none", lifespan="off", access_log=False, log_level="warning",
        proxy_headers=False, server_header=False, date_header=False, timeout_graceful_shutdown=1,
    )  # fmt: skip
    server = _QuietServer(config)
    task = asyncio.create_task(server.serve(sockets=[sock]))
    try:
        while not server.started and not task.done():  # noqa: ASYNC110  # uvicorn has no event for it
            await asyncio.sleep(0.005)
        if isinstance(ready, asyncio.Event):
            ready.set()
        elif ready is not None:
            ready(cloud)
        await asyncio.shield(task)
    finally:
        server.ends.set()
        await task
        sock.close()


class _QuietServer(uvicorn.Server):
    """Rests until ``ends`` is set, and leaves signals to the owner of the event loop."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ends = asyncio.Event()

    async def main_loop(self) -> None:
        """Wait; there is nothing to be renewed ten times a second, since no answer has a date."""
        await self.on_tick(0)
        await self.ends.wait()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture none."""
        yield
