"""The verbs of one OpenStack service for one project: paths and JSON in, JSON or an error out."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeVar
from weakref import WeakValueDictionary

import orjson

from stackd.clients.additions import add, addition_at
from stackd.clients.bulk import KEYS, Bulk, Make
from stackd.clients.catalog import find_endpoint, official_name
from stackd.clients.failures import NoEndpoint, explain, failure
from stackd.clients.keystone import KeystoneSettings, Token
from stackd.clients.limiter import Limiter
from stackd.clients.microversions import (
    default_version,
    newest_version,
    supported_maximum,
    version_headers,
    versions_url,
)
from stackd.clients.paths import Params, full_url, names_object, next_link, query_of
from stackd.clients.session import Session
from stackd.clients.sharing import SharedReads
from stackd.clients.wire import IDEMPOTENT, Outgoing, Permit, Reply
from stackd.errors import CloudError, CredentialsLost, Transient

T = TypeVar("T")
Patience = Callable[[CredentialsLost], Awaitable[None]]
"""Waits for other credentials; raises when that has lasted long enough."""

_MOST_PAGES = 10_000
_TOO_OFTEN = 429
_CHANGING = frozenset({"PUT", "PATCH", "DELETE"})
_READING = frozenset({"GET", "HEAD"})
_DEMANDED: Mapping[str, Mapping[str, str]] = {
    "message": {"Client-ID": "4b0c6cf6-1b5c-4d0e-9d0f-5d6a3e7f3c55"}
}
"""Headers without which a service refuses every request: Zaqar wants to tell its clients apart."""


@dataclass(slots=True)
class _Known:
    """Facts learnt about a service, shared in one session."""

    version: str
    token: Token | None = None
    base: str = ""
    limiter: Limiter | None = None
    bulks: WeakValueDictionary[str, Bulk] = field(default_factory=WeakValueDictionary)
    """By path, while anybody uses them: there can be one for every object that contains others."""

    reads: SharedReads | None = None


class Service:
    """One service. Every call raises a ``CloudError`` for an answer of 400 or more.

    ``permit`` is called before each request that may change something, ``patience`` when the credentials are
    lost.
    """

    def __init__(
        self,
        session: Session,
        kind: str,
        permit: Permit | None = None,
        patience: Patience | None = None,
        known: _Known | None = None,
    ) -> None:
        self.kind = official_name(kind)
        self._session = session
        self._permit = permit
        self._patience = patience
        self._known = known or _Known(default_version(kind, session.settings.microversions))

    def with_permit(self, permit: Permit | None, patience: Patience | None = None) -> Service:
        """The same service for an operation whose changes need ``permit``."""
        return Service(self._session, self.kind, permit, patience, self._known)

    async def get(self, path: str, params: Params | None = None, *, microversion: str | None = None) -> Any:
        """The decoded answer."""
        return (await self.request("GET", path, params=params, microversion=microversion)).body

    async def get_fact(self, path: str) -> Any:
        """The decoded answer, for what never changes while the object exists: its owner, its name.

        Those who ask within a few seconds share one call.
        """
        if self._known.reads is None:
            self._known.reads = SharedReads(self.with_permit(None).get)
        reads = self._known.reads
        return await self._patiently(lambda: reads.get(path))

    async def extensions(self) -> frozenset[str]:
        """The extensions of the API, by alias, as they were minutes ago at most; the same for everybody.

        A service that does not answer is not asked again for some seconds: ``Transient`` at once.
        """
        wire, endpoint = self._session.wire, await self.endpoint()
        aliases = wire.extensions.get(endpoint)
        if aliases is not None:
            return aliases
        if (silence := wire.silent.get(endpoint)) is not None:
            raise _without_request(silence)
        try:
            found = (await self.get_fact("/extensions"))["extensions"]
        except Transient as error:
            if error.status != _TOO_OFTEN:  # that is about who asks
                wire.silent[endpoint] = _without_request(error)
            raise
        aliases = wire.extensions[endpoint] = frozenset(str(each["alias"]) for each in found)
        return aliases

    async def version(self) -> tuple[int, int]:
        """The newest version of the API, cached for minutes; ``(0, 0)`` if the service reports none."""
        known, endpoint = self._session.wire.versions, await self.endpoint()
        version = known.get(endpoint)
        if version is None:
            url = versions_url(endpoint)
            asked = Outgoing("GET", url, {"Accept": "application/json"}, None, self.kind, idempotent=True)
            reply = await self._session.wire.send(asked, self._limiter_of(url))
            version = known[endpoint] = newest_version(reply.body if reply.status < 400 else None)
        return version

    async def head(self, path: str, params: Params | None = None) -> Mapping[str, str]:
        """The headers of the answer."""
        return (await self.request("HEAD", path, params=params)).headers

    async def post(
        self, path: str, body: Any = None, *, params: Params | None = None, microversion: str | None = None
    ) -> Any:
        """The decoded answer; ``AnswerLost`` if none arrived and the request may have been executed.

        Objects of some collections that are posted at the same moment share one call.
        """
        key = KEYS.get((self.kind, path))
        if key is not None and params is None and microversion is None and list(body) == [key[0]]:
            bulk = self._bulk(path, *key)
            return await self._patiently(lambda: bulk.create(body, self._permit))
        return (await self.request("POST", path, json=body, params=params, microversion=microversion)).body

    async def join(self, path: str, body: Any) -> Any:
        """The decoded answer, as of ``post``, to one of several that are added to another object by one call.

        Objects that are sent at the same moment share the call. None for one that has to be posted by itself:
        the service cannot do it, or refuses them together.
        """
        rule = addition_at(self.kind, path)

        async def make(bodies: Sequence[Any], permit: Permit) -> Sequence[Any]:
            return await add(self.with_permit(permit), path, rule, bodies)

        bulk = self._bulk(path, rule.key, rule.plural, make)
        return await self._patiently(lambda: bulk.create(body, self._permit))

    def _bulk(self, path: str, key: str, plural: str, make: Make | None = None) -> Bulk:
        known = self._known.bulks.get(path)
        if known is None:

            async def post(body: Any, permit: Permit | None) -> Any:
                return (await self.with_permit(permit).request("POST", path, json=body)).body

            known = self._known.bulks[path] = Bulk(key, plural, post, make)
        return known

    async def put(
        self, path: str, body: Any = None, *, params: Params | None = None, microversion: str | None = None
    ) -> Any:
        """The decoded answer, None if there was nothing in it."""
        return (await self.request("PUT", path, json=body, params=params, microversion=microversion)).body

    async def patch(self, path: str, body: Any = None, *, microversion: str | None = None) -> Any:
        """The decoded answer; ``AnswerLost`` as for ``post``."""
        return (await self.request("PATCH", path, json=body, microversion=microversion)).body

    async def delete(self, path: str, params: Params | None = None, *, body: Any = None) -> Any:
        """The decoded answer, which is mostly None; ``CloudNotFound`` if the object does not exist."""
        return (await self.request("DELETE", path, params=params, json=body)).body

    async def list_all(
        self, path: str, key: str = "", params: Params | None = None, *, microversion: str | None = None
    ) -> list[Any]:
        """Every object of a collection, over all its pages.

        ``key`` is the name of the list in the answer, empty where the answer is the list.
        """
        found: list[Any] = []
        query: Params | None = params
        asked: set[str] = set()
        for _ in range(_MOST_PAGES):
            page = await self.get(path, query, microversion=microversion)
            items = page[key] if key else page
            found.extend(items or ())
            link = next_link(page, key)
            if not link or not items or link in asked:
                return found
            asked.add(link)
            query = query_of(link)
        raise CloudError(f"The list {path} does not end", service=self.kind)

    async def request(
        self,
        method: str,
        path: str,
        *,
        json: Any = None,
        content: bytes | str | None = None,
        headers: Mapping[str, str] | None = None,
        params: Params | None = None,
        microversion: str | None = None,
        timeout: float | None = None,  # noqa: ASYNC109  bounds each attempt, not this coroutine
        idempotent: bool | None = None,
    ) -> Reply:
        """The whole answer.

        ``path`` is taken literally, with the query in ``params``. ``idempotent`` overrides what the method
        promises: a POST that only reads, a PUT that adds; a GET for which it is given changes something.
        ``microversion=""`` asks for none.
        """
        if method in _CHANGING and not names_object(path, nested=self.kind == "object-store"):
            raise ValueError(f"{method} {self.kind} {path!r}: the path lacks an id")
        sends = dict(headers or {})
        data = content.encode() if isinstance(content, str) else content
        if json is not None:
            data = orjson.dumps(json)
            sends.setdefault("Content-Type", "application/json")
        repeatable = method in IDEMPOTENT if idempotent is None else idempotent
        permit = None if method in _READING and idempotent is None else self._permit
        token = await self._patiently(self._session.token)
        version = self._known.version if microversion is None else microversion
        renewed = downgraded = False
        while True:
            url = full_url(self._endpoint(token), path, params)
            sent = self._headers(token, version) | sends
            outgoing = Outgoing(method, url, sent, data, self.kind, repeatable, timeout, permit)
            reply = await self._session.wire.send(outgoing, self._limiter_of(url))
            if reply.status < 400:
                return reply
            if reply.status == 401 and not renewed:
                renewed, token = True, await self._patiently(partial(self._session.renew, token))
                continue
            refusal = failure(
                self.kind,
                reply.status,
                reply.body,
                request_id=reply.request_id,
                repeatable=repeatable,
                tried=reply.tried,
            )
            best = supported_maximum(explain(reply.body)) if reply.status == 406 else ""
            if best and microversion is None and not downgraded:
                downgraded, self._known.version, version = True, best, best
                continue
            raise refusal

    async def _patiently(self, call: Callable[[], Awaitable[T]]) -> T:
        """The result of ``call``, which is repeated each time that ``patience`` returns."""
        while True:
            try:
                return await call()
            except CredentialsLost as lost:
                if self._patience is None:
                    raise
                await self._patience(lost)

    async def endpoint(self) -> str:
        """The URL of the service, with its version and without a final slash."""
        return self._endpoint(await self._patiently(self._session.token))

    def _endpoint(self, token: Token) -> str:
        known = self._known
        if token is not known.token:
            known.base = endpoint_of(self._session.settings, token, self.kind)
            known.token = token
            known.limiter = None
        return known.base

    def _limiter_of(self, url: str) -> Limiter:
        if self._known.limiter is None:
            self._known.limiter = self._session.wire.limiter(self.kind, url)
        return self._known.limiter

    def _headers(self, token: Token, version: str) -> dict[str, str]:
        headers = {"X-Auth-Token": token.id, "Accept": "application/json", **_DEMANDED.get(self.kind, {})}
        if version:
            headers |= version_headers(self.kind, version)
        return headers


def _without_request(error: Transient) -> Transient:
    """The same error without its request, which may be another project's, and the objects on its way."""
    return Transient(error.message, service=error.service, status=error.status)


def endpoint_of(settings: KeystoneSettings, token: Token, kind: str) -> str:
    """The URL of a service for ``token``: the operator's override, else the one in the catalog."""
    wanted = official_name(kind)
    for name, url in settings.endpoints.items():
        if official_name(name) == wanted:
            return url.rstrip("/").replace("%(project_id)s", token.project_id)
    interface = next(
        (chosen for name, chosen in settings.interfaces.items() if official_name(name) == wanted),
        settings.interface,
    )
    found = find_endpoint(
        token.catalog, wanted, region=settings.region, interface=interface, project_id=token.project_id
    )
    if found:
        return found
    if wanted == "identity":
        return settings.identity_url
    where = f" in region {settings.region}" if settings.region else ""
    raise NoEndpoint(f"The catalog has no {interface} endpoint of the service {kind}{where}", service=kind)
