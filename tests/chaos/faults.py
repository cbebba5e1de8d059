"""What can happen to the processes at work, and how they come back.

A fault strikes the servers, `recover` brings the service back to the client and tells how long that took,
and `relieve` undoes what is left of the fault once the work goes on.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from random import Random
from typing import Final, Protocol
from urllib.parse import urlsplit, urlunsplit

from tests.chaos.system import LEASE, Client, Cloud, Server
from tests.support.network import free_port

LONGEST_CUT: Final = 2.5 * LEASE


class Fault(Protocol):
    """One way to hurt a running service; ``client`` talks to the server that the next request is for."""

    strikes_requests: bool
    """Whether it may strike while a request is being answered."""

    client: Client
    servers: list[Server]

    def strike(self) -> None:
        """Do the harm."""

    def recover(self) -> float:
        """Have requests answered again; the seconds that took."""

    def relieve(self) -> None:
        """Undo what is left of it."""

    def close(self) -> None:
        """End what was started."""


class Kill:
    """SIGKILL to the only server, which is then started again."""

    strikes_requests = True

    def __init__(self, place: Path, cloud: Cloud, database: str, random: Random, user: str) -> None:
        self.servers = [Server(place, cloud, database)]
        self.servers[0].start()
        self.client = Client(cloud, self.servers[0].url, user)

    def strike(self) -> None:
        self.servers[0].kill()

    def recover(self) -> float:
        return self.servers[0].start()

    def relieve(self) -> None:
        """A killed process leaves nothing behind."""

    def close(self) -> None:
        self.client.close()
        self.servers[0].stop()


class Pause:
    """SIGSTOP to the server at work until the other one has taken over, then SIGCONT.

    It wakes with calls half made, believing that what it worked on is still its own.
    """

    strikes_requests = False

    def __init__(self, place: Path, cloud: Cloud, database: str, random: Random, user: str) -> None:
        self.servers = [Server(place, cloud, database, name) for name in ("one", "other")]
        for server in self.servers:
            server.start()
        self.client = Client(cloud, self.servers[0].url, user)

    def strike(self) -> None:
        self.servers[0].signal(signal.SIGSTOP)

    def recover(self) -> float:
        self.servers.reverse()
        self.client.aim(self.servers[0].url)
        return 0.0

    def relieve(self) -> None:
        self.servers[1].signal(signal.SIGCONT)

    def close(self) -> None:
        self.client.close()
        for server in self.servers:
            server.stop()


class Cut:
    """The database is gone for a while, shorter or longer than the lease; two servers share it."""

    strikes_requests = True

    def __init__(self, place: Path, cloud: Cloud, database: str, random: Random, user: str) -> None:
        self._random = random
        parts = urlsplit(database)
        self._cable = Cable((parts.hostname or "", parts.port or 5432))
        login = parts.netloc.rpartition("@")[0]
        through = urlunsplit(parts._replace(netloc=f"{login}@127.0.0.1:{self._cable.port}"))
        self.servers = [
            Server(place, cloud, url, name) for name, url in (("one", through), ("other", database))
        ]
        for server in self.servers:
            server.start()
        self.client = Client(cloud, self.servers[0].url, user)

    def strike(self) -> None:
        self._cable.cut()

    def recover(self) -> float:
        began = time.monotonic()
        time.sleep(self._random.uniform(0.0, LONGEST_CUT))
        self._cable.mend()
        return time.monotonic() - began

    def relieve(self) -> None:
        """The way to the database is whole again."""

    def close(self) -> None:
        self.client.close()
        for server in self.servers:
            server.stop()
        self._cable.close()


class Cable:
    """A way to a TCP server that can be cut: open connections break, and new ones are refused."""

    def __init__(self, target: tuple[str, int]) -> None:
        self.port = free_port()
        self._target = target
        self._whole = True
        self._open: set[asyncio.StreamWriter] = set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._server = asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result(10)

    def cut(self) -> None:
        """Break it."""

        def break_all() -> None:
            self._whole = False
            for writer in self._open:
                writer.transport.abort()

        self._loop.call_soon_threadsafe(break_all)

    def mend(self) -> None:
        """Make it whole."""
        self._whole = True

    def close(self) -> None:
        """Break it for good."""
        self.cut()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._server.close()
        self._loop.close()

    async def _listen(self) -> asyncio.Server:
        return await asyncio.start_server(self._carry, "127.0.0.1", self.port)

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if not self._whole:
            writer.transport.abort()
            return
        far_reader, far_writer = await asyncio.open_connection(*self._target)
        ends = {writer, far_writer}
        self._open |= ends
        try:
            async with asyncio.TaskGroup() as both:
                both.create_task(_pump(reader, far_writer))
                both.create_task(_pump(far_reader, writer))
        finally:
            self._open -= ends


async def _pump(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    """Pass everything on, and the end of it."""
    with contextlib.suppress(OSError):
        while data := await source.read(65536):
            target.write(data)
            await target.drain()
    target.transport.abort()


FAULTS: Final[Mapping[str, Callable[[Path, Cloud, str, Random, str], Fault]]] = {
    "kill": Kill,
    "pause": Pause,
    "cut": Cut,
}
