"""The only client for URLs from users.

A user chooses where the request goes, so nothing about it is trusted: only http and https, no
credentials, no cookies, no proxies of the machine; every address is checked at the moment at which a
connection to exactly it is made, so that a name that resolves differently the next time gains nothing;
redirects are followed one by one under the same rules; size and time are bounded while the content comes.
Every network failure has the same text, which reveals nothing about the network. The log has the details.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import socket
import zlib
from collections.abc import AsyncIterator, Collection
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final
from urllib.parse import urljoin, urlsplit
from weakref import WeakValueDictionary

import aiohttp
import structlog
from aiohttp.abc import AbstractResolver, ResolveResult

from stackd.clients.addresses import EVERYWHERE, AddressPolicy, checked_socket
from stackd.clients.http import USER_AGENT
from stackd.clients.tls import trust
from stackd.errors import FetchFailed
from stackd.urls import MASK, SCHEMES, shown

log = structlog.get_logger(__name__)

Origin = tuple[str, int]
"""A host and a port."""

_PORTS: Final = {"http": 80, "https": 443}
_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
_LONGEST_URL: Final = 8192
_CHUNK: Final = 65536
_SHARE: Final = 4
"""The share of concurrent fetches that one project may use."""
_HEADERS: Final = {"User-Agent": USER_AGENT, "Accept": "*/*", "Accept-Encoding": "identity"}


@dataclass(frozen=True, slots=True)
class EgressSettings:
    """How URLs of users are fetched. ``timeout`` is for all of one, redirects included, in seconds.

    ``max_files`` and ``max_bytes`` are totals per API request: the caller counts.
    """

    policy: AddressPolicy = field(default_factory=AddressPolicy)
    timeout: float = 60.0
    max_redirects: int = 5
    concurrency: int = 16
    ca_file: str = ""
    max_files: int = 200
    max_bytes: int = 4 * 1024 * 1024


class Egress:
    """Fetches URLs from users; one per process, released by ``close``."""

    def __init__(self, settings: EgressSettings | None = None) -> None:
        self.settings = settings or EgressSettings()
        self._slots = asyncio.Semaphore(self.settings.concurrency)
        self._shares: WeakValueDictionary[str, asyncio.Semaphore] = WeakValueDictionary()
        self._resolver = _Resolver(self.settings.concurrency)
        self._sessions: dict[bool, aiohttp.ClientSession] = {}

    async def fetch(
        self, url: str, *, most: int, project_id: str = "", own: Collection[Origin] = ()
    ) -> bytes:
        """The content at the URL, limited to that many bytes; raises ``FetchFailed``.

        One project has only a part of what can be fetched at once: its slow servers do not stop others.
        ``own`` are the origins of the cloud itself, which may have private addresses unless these are denied.
        """
        check_url(url)
        try:
            async with asyncio.timeout(self.settings.timeout), self._share(project_id), self._slots:
                return await self._follow(url, most, own)
        except (TimeoutError, OSError, ValueError, aiohttp.ClientError, zlib.error, EOFError) as error:
            log.info("url_not_fetched", url=shown(url), project_id=project_id, reason=_reason(error))
            raise FetchFailed(f"Failed to retrieve template from {shown(url)}") from None

    async def fetch_text(
        self, url: str, *, most: int, project_id: str = "", own: Collection[Origin] = ()
    ) -> str:
        """The text at the URL."""
        content = await self.fetch(url, most=most, project_id=project_id, own=own)
        try:
            return content.decode("utf-8-sig")
        except UnicodeDecodeError:
            raise FetchFailed(f"The content of {shown(url)} is not text in UTF-8") from None

    async def post(
        self, url: str, content: bytes, *, project_id: str = "", own: Collection[Origin] = ()
    ) -> None:
        """Send JSON to the URL, which is not redirected; raises ``FetchFailed`` unless it is taken."""
        check_url(url)
        headers = {**_HEADERS, "Content-Type": "application/json"}
        try:
            async with asyncio.timeout(self.settings.timeout), self._share(project_id), self._slots:
                session = self._session(origin_of(url) in own)
                async with session.post(url, data=content, headers=headers, allow_redirects=False) as answer:
                    answer.raise_for_status()
                    if answer.status in _REDIRECTS:
                        raise ValueError("a redirect")
        except (TimeoutError, OSError, ValueError, aiohttp.ClientError) as error:
            log.info("url_not_called", url=shown(url), project_id=project_id, reason=_reason(error))
            raise FetchFailed(f"Failed to call {shown(url)}") from None

    async def close(self) -> None:
        """Close connections and threads."""
        for session in self._sessions.values():
            await session.close()
        await self._resolver.close()

    def _share(self, project_id: str) -> asyncio.Semaphore:
        """A project's share of the slots; it exists only while in use."""
        share = self._shares.get(project_id)
        if share is None:
            share = self._shares[project_id] = asyncio.Semaphore(-(-self.settings.concurrency // _SHARE))
        return share

    async def _follow(self, url: str, most: int, own: Collection[Origin]) -> bytes:
        """The content where the last redirect leads."""
        for _ in range(self.settings.max_redirects + 1):
            async with self._get(url, origin_of(url) in own) as answer:
                if answer.status not in _REDIRECTS:
                    answer.raise_for_status()
                    return await _content(answer, most)
                url = _redirected(url, answer.headers.get("Location", ""))
        raise ValueError("too many redirects")

    @contextlib.asynccontextmanager
    async def _get(self, url: str, is_own: bool) -> AsyncIterator[aiohttp.ClientResponse]:
        async with self._session(is_own).get(url, headers=_HEADERS, allow_redirects=False) as answer:
            yield answer

    def _session(self, is_own: bool) -> aiohttp.ClientSession:
        if is_own not in self._sessions:
            self._sessions[is_own] = self._new_session(self._policy(is_own))
        return self._sessions[is_own]

    def _policy(self, is_own: bool) -> AddressPolicy:
        policy = self.settings.policy
        return AddressPolicy.of(EVERYWHERE, map(str, policy.denied)) if is_own else policy

    def _new_session(self, policy: AddressPolicy) -> aiohttp.ClientSession:
        connector = aiohttp.TCPConnector(
            ssl=trust(self.settings.ca_file),
            resolver=self._resolver,
            socket_factory=partial(checked_socket, policy),
            use_dns_cache=False,
            force_close=True,
            limit=self.settings.concurrency,
        )
        return aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=None),
            trust_env=False,
            auto_decompress=False,
            read_bufsize=_CHUNK,
        )


def check_url(url: str) -> None:
    """Refuse an invalid or forbidden URL; the error text is computed from the URL alone."""
    try:
        parts = urlsplit(url)
        scheme, host, userinfo = parts.scheme, parts.hostname, parts.username is not None
        _ = parts.port
    except ValueError:
        raise FetchFailed(f"Invalid URL {_cut(url)!r}") from None
    if scheme not in SCHEMES:
        raise FetchFailed(f"Invalid URL scheme {scheme}")
    if userinfo or "@" in parts.netloc:
        raise FetchFailed(f"Credentials are not allowed in the URL {shown(url)}")
    if not host or len(url) > _LONGEST_URL or any(each <= " " or each in "\\\x7f" for each in url):
        raise FetchFailed(f"Invalid URL {_cut(url)!r}")


def origin_of(url: str) -> Origin | None:
    """The host and port of a URL, with the scheme's own port where it names none; None if it has none."""
    try:
        parts = urlsplit(url)
        port = parts.port or _PORTS.get(parts.scheme)
    except ValueError:
        return None
    return (parts.hostname, port) if parts.hostname and port else None


def _cut(url: str) -> str:
    """The beginning of a text that is no URL, without what may be credentials or a query in it."""
    bare = re.sub(r"(//).*@", rf"\1{MASK}@", url, flags=re.DOTALL)
    return bare.partition("?")[0][:200]


def _reason(error: Exception) -> str:
    """Why a fetch failed, for the log; aiohttp's own texts have the whole URL in them."""
    if isinstance(error, aiohttp.ClientResponseError):
        return f"{error.status} {error.message}"
    if isinstance(error, aiohttp.InvalidURL):
        return type(error).__name__
    return str(error) or type(error).__name__


def _redirected(base: str, location: str) -> str:
    """Where a redirect leads; ``ValueError`` for none, and for the way from https back to http."""
    if not location:
        raise ValueError("a redirect to nowhere")
    target = urljoin(base, location)
    try:
        check_url(target)
    except FetchFailed as error:
        raise ValueError(error.message) from None
    if base.startswith("https:") and not target.startswith("https:"):
        raise ValueError("a redirect to an insecure URL")
    return target


async def _content(answer: aiohttp.ClientResponse, most: int) -> bytes:
    """The body, decompressed, cut off with an error as soon as it is too long."""
    plain = _decompressor(answer.headers.get("Content-Encoding", ""))
    found = bytearray()
    async for chunk in answer.content.iter_chunked(_CHUNK):
        # What remains unread is never needed: these bytes are too many already.
        found += plain.decompress(chunk, most + 1 - len(found)) if plain else chunk
        if len(found) > most:
            raise FetchFailed(f"Template exceeds maximum allowed size ({most} bytes)")
    if plain and not plain.eof:
        raise EOFError("the content is cut off")
    return bytes(found)


def _decompressor(encoding: str) -> Any:
    """The decompressor of a content encoding, with bounded output; None if there is no encoding."""
    match encoding.strip().lower():
        case "" | "identity":
            return None
        case "gzip" | "x-gzip" | "deflate":
            return zlib.decompressobj(wbits=zlib.MAX_WBITS | 32)
    raise ValueError(f"unknown encoding {encoding!r}")


class _Resolver(AbstractResolver):
    """Resolves names in threads of its own, so that slow name servers of users do not block other work."""

    def __init__(self, threads: int) -> None:
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="resolve")

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """The addresses of a host; each is checked when it is connected to."""

        def look_up() -> list[tuple[Any, ...]]:
            return socket.getaddrinfo(host, port, family=family, type=socket.SOCK_STREAM)

        found = await asyncio.get_running_loop().run_in_executor(self._threads, look_up)
        return [
            ResolveResult(
                hostname=host,
                host=address[0],
                port=address[1],
                family=kind,
                proto=protocol,
                flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV,
            )
            for kind, _, protocol, _, address in found
        ]

    async def close(self) -> None:
        """Stop the threads."""
        self._threads.shutdown(wait=False, cancel_futures=True)
