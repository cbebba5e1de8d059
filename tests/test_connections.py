"""Clients that send slowly, too much or nothing are put off, and others are answered meanwhile."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from typing import Any

import pytest
import pytest_asyncio
import uvicorn

from stackd.connections import Connection, ConnectionLimits, Connections, Joined

LIMITS = ConnectionLimits(
    head_bytes=4096,
    discarded=100_000,
    connections=40,
    waiting=10,
)
HEAD = b"GET / HTTP/1.1\r\nHost: x\r\n"
PATIENCE = 30.0


async def app(scope: Any, receive: Any, send: Any) -> None:
    """Answers; reads the body only for ``/read``."""
    if scope["path"] == "/read":
        while (message := await receive()).get("more_body"):
            pass
        if message["type"] == "http.disconnect":
            return
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"OK"})


@dataclass
class Place:
    port: int
    connections: Connections

    async def open(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection("127.0.0.1", self.port)

    async def exchange(self, *parts: bytes) -> bytes:
        """What comes back until the server closes the connection."""
        reader, writer = await self.open()
        with contextlib.suppress(ConnectionError):
            for part in parts:
                writer.write(part)
                await writer.drain()
        answer = b""
        with contextlib.suppress(ConnectionError):
            answer = await asyncio.wait_for(reader.read(), PATIENCE)
        writer.close()
        return answer

    async def is_served(self) -> bool:
        return b"200 OK" in await self.exchange(HEAD + b"Connection: close\r\n\r\n")


@pytest_asyncio.fixture
async def place() -> AsyncIterator[Place]:
    connections = Connections(LIMITS)
    config = uvicorn.Config(app, log_config=None, lifespan="off", access_log=False)
    config.load()
    state = uvicorn.server.ServerState()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: Connection(connections, config=config, server_state=state, app_state={}), "127.0.0.1", 0
    )
    async with server:
        yield Place(server.sockets[0].getsockname()[1], connections)
        for each in list(state.connections):
            each.transport.abort()


async def test_head_that_never_ends_is_refused(place: Place) -> None:
    for part in (b"x: " + b"a" * 10_000, b"a" * 10_000, b"".join(b"x%d: y\r\n" % n for n in range(2000))):
        answer = await place.exchange(HEAD + part)
        assert answer.startswith(b"HTTP/1.1 431")


async def test_long_path_is_refused(place: Place) -> None:
    answer = await place.exchange(b"GET /" + b"a" * 10_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 431")


def soon(place: Place) -> None:
    """Have all deadlines pass soon."""
    place.connections.limits = replace(LIMITS, head_seconds=0.1, body_seconds=0.1, discard_seconds=0.1)


async def test_head_that_does_not_come_is_not_awaited(place: Place) -> None:
    soon(place)
    assert (await place.exchange(HEAD)).startswith(b"HTTP/1.1 408")
    assert await place.exchange() == b""


async def test_body_that_does_not_come_is_not_awaited(place: Place) -> None:
    soon(place)
    head = b"POST /read HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n"
    assert await place.exchange(head + b"a") == b""
    assert place.connections.count == 0


async def test_body_that_does_not_come_after_the_answer_is_not_awaited(place: Place) -> None:
    soon(place)
    head = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n"
    assert (await place.exchange(head + b"a")).endswith(b"OK")
    assert place.connections.count == 0


async def test_body_after_the_answer_is_read_to_a_limit_only(place: Place) -> None:
    head = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100000000\r\n\r\n"
    await place.exchange(head, *[b"a" * 50_000] * 20)
    assert place.connections.count == 0


async def test_short_rest_of_a_body_does_not_cost_the_connection(place: Place) -> None:
    reader, writer = await place.open()
    head = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 50000\r\n\r\n"
    for _ in range(3):
        writer.write(head)
        assert b"200 OK" in await reader.readuntil(b"\r\n\r\nOK")
        writer.write(b"a" * 50_000)
    writer.close()


async def test_silent_connections_give_way_to_others(place: Place) -> None:
    silent = [await place.open() for _ in range(60)]
    assert await place.is_served()
    assert len(place.connections.waiting) <= LIMITS.waiting
    for _, writer in silent:
        writer.close()


async def test_idle_connections_give_way_when_there_are_too_many(place: Place) -> None:
    idle = []
    for _ in range(LIMITS.connections + 5):
        reader, writer = await place.open()
        writer.write(HEAD + b"\r\n")
        await reader.readuntil(b"\r\n\r\nOK")
        idle.append(writer)
    assert place.connections.count <= LIMITS.connections
    assert await place.is_served()
    for writer in idle:
        writer.close()


async def test_answer_that_is_a_head_alone_is_sent_while_the_connection_stays(place: Place) -> None:
    reader, writer = await place.open()
    for _ in range(2):
        writer.write(HEAD.replace(b"GET", b"HEAD") + b"\r\n")
        answer = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), PATIENCE)
        assert answer.startswith(b"HTTP/1.1 200")
    writer.close()


async def test_requests_on_one_connection_are_all_answered(place: Place) -> None:
    reader, writer = await place.open()
    for _ in range(5):
        writer.write((HEAD + b"\r\n") * 3)
        for _ in range(3):
            assert b"200 OK" in await reader.readuntil(b"\r\n\r\nOK")
    writer.close()


async def test_answers_go_through_a_transport_that_joins(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[bytes] = []
    write = Joined.write

    def noted(self: Joined, data: bytes) -> None:
        given.append(data)
        write(self, data)

    monkeypatch.setattr(Joined, "write", noted)
    assert await place.is_served()
    head, body = given
    assert head.endswith(b"\r\n\r\n")
    assert body == b"OK"


class Writes(asyncio.Transport):
    """Keeps what is written, call by call."""

    def __init__(self) -> None:
        super().__init__()
        self.written: list[tuple[bytes, ...]] = []

    def write(self, data: Any) -> None:
        self.written.append((data,))

    def writelines(self, list_of_data: Any) -> None:
        self.written.append(tuple(list_of_data))

    def close(self) -> None:
        self.written.append(())


def test_what_follows_the_beginning_of_a_body_is_sent_at_once() -> None:
    transport = Writes()
    joined = Joined(transport)
    for data in (b"head", b"a", b"b"):
        joined.write(data)
    assert transport.written == [(b"head", b"a"), (b"b",)]


def test_head_alone_is_sent_before_the_connection_is_closed() -> None:
    transport = Writes()
    joined = Joined(transport)
    joined.write(b"head")
    joined.close()
    assert transport.written == [(b"head",), ()]


async def test_body_that_waits_to_be_asked_for_is_asked_for(place: Place) -> None:
    reader, writer = await place.open()
    writer.write(b"POST /read HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n")
    assert b"100 Continue" in await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), PATIENCE)
    writer.write(b"OK")
    assert b"200 OK" in await asyncio.wait_for(reader.readuntil(b"\r\n\r\nOK"), PATIENCE)
    writer.close()
