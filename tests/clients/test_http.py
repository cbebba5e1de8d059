"""The real transport against a real socket: what respx cannot show."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator

import httpx
import pytest

from stackd.clients.http import HttpSettings, make_client, was_never_sent, why_unreachable

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nSet-Cookie: who=me; Path=/\r\n\r\n{}"


class Server:
    """Answers with whatever bytes it is told to, and remembers what it was asked."""

    answer = OK
    hangs_up = False
    url = ""

    def __init__(self) -> None:
        self.asked: list[bytes] = []
        self.connections = 0

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                self.asked.append(head)
                writer.write(self.answer)
                await writer.drain()
                if self.hangs_up:
                    break
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    server = Server()
    listener = await asyncio.start_server(server.talk, "127.0.0.1", 0)
    server.url = f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}/"
    yield server
    listener.close()


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    async with make_client(HttpSettings(connect_timeout=1.0)) as client:
        yield client


async def test_connections_are_kept_and_cookies_are_not(server: Server, client: httpx.AsyncClient) -> None:
    for _ in range(2):
        assert (await client.get(server.url)).json() == {}
    assert server.connections == 1
    assert b"cookie" not in server.asked[1].lower()


async def test_refused_connection_never_sent_anything(client: httpx.AsyncClient) -> None:
    with pytest.raises(httpx.TransportError) as error:
        await client.post("http://127.0.0.1:1/")
    assert was_never_sent(error.value)


@pytest.mark.parametrize("answer", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n{}"])
async def test_connection_that_breaks_later_may_have_done_the_work(
    server: Server, client: httpx.AsyncClient, answer: bytes
) -> None:
    server.answer = answer
    server.hangs_up = True
    with pytest.raises(httpx.TransportError) as error:
        await client.post(server.url)
    assert not was_never_sent(error.value)
    assert len(server.asked) == 1


@pytest.mark.parametrize("method", ["PUT", "DELETE", "POST"])
async def test_a_request_whose_answer_is_lost_is_not_sent_again(
    server: Server, client: httpx.AsyncClient, method: str
) -> None:
    await client.get(server.url)
    server.answer, server.hangs_up = b"", True
    with pytest.raises(httpx.TransportError) as caught:
        await client.request(method, server.url)
    assert not was_never_sent(caught.value)
    assert len(server.asked) == 2
    assert server.connections == 1


async def test_what_follows_an_answer_without_a_body_is_no_answer_to_the_next_request(
    server: Server, client: httpx.AsyncClient
) -> None:
    server.answer = b"HTTP/1.1 204 No Content\r\n\r\n"
    assert (await client.delete(server.url)).status_code == 204
    server.answer = b"null" + OK
    with pytest.raises(httpx.RemoteProtocolError) as caught:
        await client.post(server.url)
    assert not was_never_sent(caught.value)
    assert why_unreachable(caught.value) == "its answer was not HTTP"
    server.answer = OK
    assert (await client.get(server.url)).json() == {}
    assert server.connections == 2


async def test_a_connection_is_closed_after_the_answer_when_that_is_asked_for(
    server: Server, client: httpx.AsyncClient
) -> None:
    server.answer = b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n"
    for _ in range(2):
        assert (await client.delete(server.url, headers={"Connection": "close"})).status_code == 204
    assert server.connections == 2
    assert {b"connection: close" in each.lower() for each in server.asked} == {True}


def failed(*causes: BaseException) -> httpx.ConnectError:
    """A connection that failed, with the errors that led to it."""
    error: BaseException = httpx.ConnectError(
        "Cannot connect to host x:443 ssl:default [Connect call failed]"
    )
    top = error
    for cause in causes:
        error.__cause__ = cause
        error = cause
    assert isinstance(top, httpx.ConnectError)
    return top


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (failed(ConnectionRefusedError(111, "Connect call failed")), "the connection was refused"),
        (failed(socket.gaierror(-2, "Name or service not known")), "its host name is not known"),
        (failed(ssl.SSLCertVerificationError("self-signed")), "its TLS certificate is not trusted"),
        (failed(ssl.SSLError("wrong version number")), "no TLS connection could be made"),
        (failed(TimeoutError()), "no connection was made in time"),
        (httpx.ConnectTimeout(""), "no connection was made in time"),
        (failed(), "no connection could be made"),
        (httpx.ReadError("reset"), "the connection was lost"),
    ],
)
def test_people_are_told_in_plain_words_why_there_is_no_answer(
    error: httpx.TransportError, reason: str
) -> None:
    assert why_unreachable(error) == reason


async def test_refused_connection_is_called_so() -> None:
    server = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    server.close()
    await server.wait_closed()
    async with make_client() as client:
        with pytest.raises(httpx.TransportError) as caught:
            await client.get(f"http://127.0.0.1:{port}/")
    assert why_unreachable(caught.value) == "the connection was refused"
