"""Sends one request to a service: waits for a slot, sets a deadline, and retries where that is safe.

Whether a request is repeated depends on how it failed:

    the connection was refused, or never made     any request: it was never sent
    429, 503                                      any request: the service refused the work
    413                                           only what reads, in which nothing can be too large: so
                                                  Trove says that it is asked too often
    400 about a number of masters                 only what reads: Magnum fails to show clusters, also in
                                                  lists, between storing one and storing its nodes
    502, 504, time-out, connection lost           only what is idempotent: it may have been done
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import httpx
import orjson
import structlog
from cachetools import LRUCache, TTLCache

from stackd.clients.failures import AnswerLost
from stackd.clients.http import USER_AGENT, was_never_sent, why_unreachable
from stackd.clients.limiter import Limiter, LimiterSettings, LimiterStats
from stackd.errors import CloudError, Transient
from stackd.recent import remembered

log = structlog.get_logger(__name__)

IDEMPOTENT = frozenset({"GET", "HEAD", "PUT", "DELETE", "OPTIONS"})
_MOST_ENDPOINTS = 1000
_APIS_LAST = 300.0
"""Seconds for which it is remembered what an API can: its extensions, its version."""

_SILENCE_LASTS = 10.0
"""Seconds in which a service that did not answer is not asked again what it can: each who asks would wait."""

_REFUSED = frozenset({429, 503})
_READING = frozenset({"GET", "HEAD"})
_INVALID, _TOO_LARGE, _TOO_OFTEN, _NOT_NOW = 400, 413, 429, 503
_HALF_STORED = b"field/attribute master_count"
_MAYBE_DONE = frozenset({502, 504})

Permit = Callable[[], None]
"""Called at the last moment before a request that may change something; raises if it must not be sent."""


@dataclass(frozen=True, slots=True)
class RetrySettings:
    """Timeouts and retries of a call. Times are seconds.

    ``timeout`` bounds each attempt, ``patience`` the time in which new attempts begin. The pause
    doubles from ``first_pause`` to ``longest_pause``, with jitter, unless the service names one.
    """

    timeout: float = 60.0
    attempts: int = 5
    patience: float = 90.0
    first_pause: float = 0.25
    longest_pause: float = 10.0


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A complete request. ``service`` is only for messages.

    ``permit`` raises when the request must not be sent any more.
    """

    method: str
    url: str
    headers: Mapping[str, str]
    content: bytes | None
    service: str
    idempotent: bool
    timeout: float | None = None
    permit: Permit | None = None


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer. ``body`` is decoded JSON, text, or the raw bytes; None if empty."""

    status: int
    headers: Mapping[str, str]
    body: Any
    content: bytes
    tried: str = ""
    """How often and how long the request was tried, if more than once."""

    @property
    def request_id(self) -> str:
        """The service's own id of the request."""
        return self.headers.get("x-openstack-request-id") or self.headers.get("x-compute-request-id") or ""


@dataclass(frozen=True, slots=True)
class _Silence:
    """There was no answer."""

    reason: str
    sent: bool
    detail: str = ""


class Wire:
    """Sends requests within the limit of each endpoint. One per process."""

    def __init__(
        self,
        client: httpx.AsyncClient,
        *,
        retry: RetrySettings | None = None,
        limits: LimiterSettings | None = None,
        jitter: random.Random | None = None,
        connect_timeout: float = 10.0,
    ) -> None:
        self._client = client
        self._retry = retry or RetrySettings()
        self._limits = limits or LimiterSettings()
        self._jitter = jitter or random.Random()  # noqa: S311  spreads retries, keeps no secret
        self._connect_timeout = connect_timeout
        self._limiters: LRUCache[tuple[str, str], Limiter] = LRUCache(_MOST_ENDPOINTS)  # templates name hosts
        self.extensions: TTLCache[str, frozenset[str]] = TTLCache(_MOST_ENDPOINTS, _APIS_LAST, _now)
        self.silent: TTLCache[str, Transient] = TTLCache(_MOST_ENDPOINTS, _SILENCE_LASTS, _now)
        """Why an endpoint has just not said which extensions it has."""
        self.versions: TTLCache[str, tuple[int, int]] = TTLCache(_MOST_ENDPOINTS, _APIS_LAST, _now)

    def limiter(self, service: str, url: str) -> Limiter:
        """The limiter of the host that ``url`` names, for one service."""
        key = (service, url.partition("://")[2].partition("/")[0])
        if key not in self._limiters:
            self._limiters[key] = Limiter(self._limits, _now)
        return self._limiters[key]

    def stats(self) -> dict[tuple[str, str], LimiterStats]:
        """Load, limit and totals by service and host."""
        return {key: limiter.stats() for key, limiter in self._limiters.items()}

    async def send(self, request: Outgoing, limiter: Limiter) -> Reply:
        """The answer, whatever its status; ``Transient`` (or ``AnswerLost``) when there is none."""
        began = _now()
        give_up = began + self._retry.patience
        attempt = 1
        while True:
            outcome = await self._attempt(request, limiter)
            if attempt >= self._retry.attempts or not _may_repeat(request, outcome):
                break
            pause = self._pause(attempt, outcome)
            if _now() + pause > give_up:
                break
            await asyncio.sleep(pause)
            attempt += 1
        tried = f"{attempt} attempts in {max(_now() - began, 1):.0f} s" if attempt > 1 else ""
        if isinstance(outcome, Reply):
            return replace(outcome, tried=tried) if tried else outcome
        raise _lost(request, outcome, tried)

    async def _attempt(self, request: Outgoing, limiter: Limiter) -> Reply | _Silence:
        started = await limiter.acquire()
        try:
            if request.permit is not None:
                request.permit()
            outcome = await self._exchange(request)
        except BaseException:
            limiter.abandon()
            raise
        if isinstance(outcome, Reply):
            refused = outcome.status in _REFUSED
            limiter.release(started, request.method, refused=refused, failed=outcome.status >= 500 or refused)
        else:
            limiter.release(started, request.method, refused=True, failed=True)
        return outcome

    async def _exchange(self, request: Outgoing) -> Reply | _Silence:
        timeout = request.timeout or self._retry.timeout
        times = {"connect": min(self._connect_timeout, timeout), "read": timeout}
        out = httpx.Request(
            request.method,
            _url(request.url),
            headers={"User-Agent": USER_AGENT, **_request_id_header(), **request.headers},
            content=request.content,
            extensions={"timeout": times},
        )
        try:
            async with asyncio.timeout(timeout):
                answer = await self._client.send(out)
        except TimeoutError:
            return _Silence(f"no answer within {timeout:g} s", sent=True)
        except httpx.TransportError as error:
            detail = str(error) or type(error).__name__
            return _Silence(why_unreachable(error), sent=not was_never_sent(error), detail=detail)
        status = _meant(answer) if request.method in _READING else answer.status_code
        return Reply(status, answer.headers, decode(answer), answer.content)

    def _pause(self, attempt: int, outcome: Reply | _Silence) -> float:
        if isinstance(outcome, Reply) and (asked := retry_after(outcome.headers)) is not None:
            return asked + self._jitter.uniform(0, self._retry.first_pause)
        longest = min(self._retry.longest_pause, self._retry.first_pause * 2 ** (attempt - 1))
        return self._jitter.uniform(longest / 2, longest)


def _meant(answer: httpx.Response) -> int:
    """The status of an answer to what only reads, in place of one that some service misuses."""
    if answer.status_code == _TOO_LARGE:
        return _TOO_OFTEN
    if answer.status_code == _INVALID and _HALF_STORED in answer.content:
        return _NOT_NOW
    return answer.status_code


@remembered(4096, longest=512)
def _url(text: str) -> httpx.URL:
    """The parsed URL; cached, as parsing costs as much as writing a small body and few URLs are used."""
    return httpx.URL(text)


def decode(answer: httpx.Response) -> Any:
    """The decoded body of an answer: JSON or text according to its content type, else bytes."""
    content = answer.content
    if not content:
        return None
    kind = answer.headers.get("content-type", "")
    if "json" in kind or (not kind and content[:1] in b"{["):
        try:
            return orjson.loads(content)
        except orjson.JSONDecodeError:
            return content.decode(errors="replace")
    if kind.startswith("text/"):
        return answer.text
    return content


def retry_after(headers: Mapping[str, str], now: Callable[[], datetime] | None = None) -> float | None:
    """Seconds to wait (``Retry-After``, a number or a date); None if absent."""
    value = headers.get("retry-after", "").strip()
    if value.isdigit():
        return float(value)
    try:
        moment = parsedate_to_datetime(value)
    except ValueError:
        return None
    present = now() if now else datetime.now(UTC)
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return max(0.0, (aware - present).total_seconds())


def request_id() -> str:
    """The id that calls carry: the one that the client gave, else our own; empty outside of requests."""
    bound = structlog.contextvars.get_contextvars()
    found: str = bound.get("global_request_id") or bound.get("request_id") or ""
    return found


def _request_id_header() -> dict[str, str]:
    found = request_id()
    return {"X-OpenStack-Request-ID": found} if found else {}


def _may_repeat(request: Outgoing, outcome: Reply | _Silence) -> bool:
    if isinstance(outcome, _Silence):
        return request.idempotent or not outcome.sent
    return outcome.status in _REFUSED or (request.idempotent and outcome.status in _MAYBE_DONE)


def _lost(request: Outgoing, silence: _Silence, tried: str) -> CloudError:
    """The error for people; where and how exactly it happened is for operators, in the log."""
    kind = AnswerLost if silence.sent and not request.idempotent else Transient
    address = request.url.partition("?")[0]
    log.warning(
        "service_unreachable",
        service=request.service,
        method=request.method,
        url=address,
        reason=silence.detail or silence.reason,
        tried=tried,
    )
    what = "did not answer" if silence.sent else "could not be reached"
    tries = f" ({tried})" if tried else ""
    return kind(f"The service {request.service} {what}: {silence.reason}{tries}", service=request.service)


def _now() -> float:
    return asyncio.get_running_loop().time()
