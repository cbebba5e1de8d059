"""The one HTTP client of the process: how connections are made, kept and closed.

httpx gives the interface, aiohttp the transport: several times less CPU per call when many are in
flight. It stores no cookies, since one client serves all projects.
"""

from __future__ import annotations

import logging
import socket
import ssl
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from functools import partial
from http.cookiejar import CookieJar, DefaultCookiePolicy

import aiohttp
import httpx
import httpx_aiohttp

from stackd.clients.addresses import AddressPolicy, checked_socket
from stackd.clients.tls import read_trust, trust

USER_AGENT = "stackd"
logging.getLogger("httpx").setLevel(logging.WARNING)  # at INFO it writes every URL, and names may be secrets


@dataclass(frozen=True, slots=True)
class HttpSettings:
    """Settings of the HTTP client. Times are seconds.

    ``keepalive`` stays below the 5 s after which the usual API servers close an idle connection, so
    that a request does not meet a connection that is just being closed. ``ca_file`` replaces the
    system's certificate authorities; ``use_proxies`` uses ``http_proxy`` and similar variables.
    """

    connect_timeout: float = 10.0
    keepalive: float = 4.0
    max_connections: int = 200
    ca_file: str = ""
    verify_tls: bool = True
    use_proxies: bool = False


@dataclass(frozen=True, slots=True)
class Guard:
    """What bounds a client for addresses that users choose: the places, and the bytes of an answer."""

    policy: AddressPolicy
    most: int


def make_client(
    settings: HttpSettings | None = None, *, guard: Guard | None = None, ca_data: str = ""
) -> httpx.AsyncClient:
    """A client for all calls of the process, or to a cloud of a user's; the caller closes it.

    ``ca_data`` is the text of a certificate that is trusted besides.
    """
    chosen = settings or HttpSettings()
    context = _context(chosen, ca_data)

    def session() -> aiohttp.ClientSession:
        checked = None if guard is None else partial(checked_socket, guard.policy)
        connector = aiohttp.TCPConnector(
            limit=chosen.max_connections,
            keepalive_timeout=chosen.keepalive,
            ssl=context,
            socket_factory=checked,
        )
        made = aiohttp.ClientSession(
            connector=connector, cookie_jar=aiohttp.DummyCookieJar(), trust_env=chosen.use_proxies
        )
        # It would repeat every PUT and DELETE whose answer is lost; ``wire`` decides what may be repeated.
        made._retry_connection = False
        return made

    transport: httpx.AsyncBaseTransport = _Transport(verify=context, client=session)
    return httpx.AsyncClient(
        transport=transport if guard is None else _Bounded(transport, guard.most),
        cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
        timeout=httpx.Timeout(None),  # each request brings its own
        follow_redirects=False,
    )


def _context(chosen: HttpSettings, ca_data: str) -> ssl.SSLContext:
    if not chosen.verify_tls:
        return httpx.create_ssl_context(verify=False, trust_env=False)  # as the operator says
    return trust(chosen.ca_file) if not ca_data else read_trust(chosen.ca_file, ca_data)


class _Transport(httpx_aiohttp.AiohttpTransport):
    """aiohttp, whose errors about answers that are no HTTP are those of a transport, too."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request."""
        try:
            return await super().handle_async_request(request)
        except aiohttp.ClientResponseError as error:
            raise httpx.RemoteProtocolError(error.message, request=request) from error


class _Bounded(httpx.AsyncBaseTransport):
    """Lets answers pass that are no longer than ``most`` bytes, and not compressed."""

    def __init__(self, inner: httpx.AsyncBaseTransport, most: int) -> None:
        self._inner = inner
        self._most = most

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request."""
        request.headers["Accept-Encoding"] = "identity"
        answer = await self._inner.handle_async_request(request)
        if answer.headers.get("content-encoding", "identity") != "identity":
            await answer.aclose()
            raise httpx.ReadError("the answer is compressed")
        stream = answer.stream
        assert isinstance(stream, httpx.AsyncByteStream)
        answer.stream = _BoundedStream(stream, self._most)
        return answer

    async def aclose(self) -> None:
        """Close all connections."""
        await self._inner.aclose()


class _BoundedStream(httpx.AsyncByteStream):
    def __init__(self, inner: httpx.AsyncByteStream, most: int) -> None:
        self._inner = inner
        self._left = most

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for chunk in self._inner:
            self._left -= len(chunk)
            if self._left < 0:
                raise httpx.ReadError("the answer is too large")
            yield chunk

    async def aclose(self) -> None:
        await self._inner.aclose()


def was_never_sent(error: httpx.TransportError) -> bool:
    """Whether the request certainly did not reach the server.

    The transport reports a connection that broke after sending as a connection time-out, so that
    the aiohttp error underneath decides.
    """
    cause = error.__cause__
    if isinstance(cause, aiohttp.ClientError):
        return isinstance(cause, aiohttp.ClientConnectorError | aiohttp.ConnectionTimeoutError)
    return isinstance(error, httpx.ConnectError | httpx.ConnectTimeout | httpx.PoolTimeout)


_REASONS: tuple[tuple[type[BaseException], str], ...] = (
    (ssl.SSLCertVerificationError, "its TLS certificate is not trusted"),
    (aiohttp.ClientConnectorCertificateError, "its TLS certificate is not trusted"),
    (ssl.SSLError, "no TLS connection could be made"),
    (socket.gaierror, "its host name is not known"),
    (ConnectionRefusedError, "the connection was refused"),
    (TimeoutError, "no connection was made in time"),
    (httpx.ConnectTimeout, "no connection was made in time"),
)


def why_unreachable(error: httpx.TransportError) -> str:
    """Why there is no answer, for people who need not know how connections are made."""
    if isinstance(error, httpx.RemoteProtocolError):
        return "its answer was not HTTP"
    if not was_never_sent(error):
        return "the connection was lost"
    chain = list(_causes(error))
    found = (text for kind, text in _REASONS for each in chain if isinstance(each, kind))
    return next(found, "no connection could be made")


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
