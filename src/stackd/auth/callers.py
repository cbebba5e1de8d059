"""A short cache of authenticated callers, keyed by a hash of their proof (token or password)."""

from __future__ import annotations

import asyncio
import hashlib
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from stackd.auth.trusts import is_from_signature
from stackd.clients.keystone import Token
from stackd.errors import CloudError, ServiceUnavailable, Unauthorized
from stackd.records import Caller

NOT_ACCEPTED = "The credentials of the request are not valid or have expired."
_NO_KEYSTONE = "The Identity service cannot check the credentials of the request at the moment."


@dataclass(frozen=True, slots=True)
class TokenCacheSettings:
    """Time to live (seconds) and size of the cache; ``refused_ttl`` is for invalid proofs."""

    ttl: float = 60.0
    refused_ttl: float = 10.0
    most: int = 20_000


@dataclass(frozen=True, slots=True)
class _Kept:
    since: datetime
    until: datetime
    caller: Caller | None

    def is_good(self, now: datetime) -> bool:
        """Whether the time has not come to ask again; it has if the clock was set back since."""
        return self.since <= now < self.until


class KnownCallers:
    """A bounded cache in front of Keystone.

    Concurrent requests with the same unknown proof share one call. A refused proof is
    cached too, for a shorter time; a failure of Keystone is not cached.
    """

    def __init__(
        self, settings: TokenCacheSettings | None = None, *, now: Callable[[], datetime] | None = None
    ) -> None:
        self._settings = settings or TokenCacheSettings()
        self._now = now or (lambda: datetime.now(UTC))
        self._kept: OrderedDict[bytes, _Kept] = OrderedDict()
        self._asking: dict[bytes, asyncio.Task[_Kept]] = {}

    async def find(self, proof: str, ask: Callable[[], Awaitable[Token | None]]) -> Caller:
        """The caller with this proof; ``ask`` calls Keystone, and returns None if the proof is not valid.

        ``Unauthorized`` if the proof is not valid, ``ServiceUnavailable`` if Keystone does not answer.
        """
        key = _hash(proof)
        kept = self._kept.get(key)
        if kept is None or not kept.is_good(self._now()):
            kept = await self._ask_once(key, ask)
        if kept.caller is None:
            raise Unauthorized(NOT_ACCEPTED)
        return kept.caller

    def forget(self, proof: str) -> None:
        """Removes a proof from the cache, so that the next request calls Keystone again."""
        self._kept.pop(_hash(proof), None)

    async def _ask_once(self, key: bytes, ask: Callable[[], Awaitable[Token | None]]) -> _Kept:
        asking = self._asking.get(key)
        if asking is None:
            asking = self._asking[key] = asyncio.create_task(self._ask(key, ask))
            asking.add_done_callback(lambda _: self._asking.pop(key, None))
        return await asyncio.shield(asking)

    async def _ask(self, key: bytes, ask: Callable[[], Awaitable[Token | None]]) -> _Kept:
        try:
            token = await ask()
        except CloudError as error:
            raise ServiceUnavailable(_NO_KEYSTONE) from error
        now = self._now()
        if token is None:
            kept = _Kept(now, now + timedelta(seconds=self._settings.refused_ttl), None)
        else:
            caller = replace(caller_of(token), token=token.id)
            left = (token.expires_at - now).total_seconds()
            kept = _Kept(now, now + timedelta(seconds=min(self._settings.ttl, left)), caller)
        self._kept[key] = kept
        self._kept.move_to_end(key)
        while len(self._kept) > self._settings.most:
            self._kept.popitem(last=False)
        return kept


def caller_of(token: Token) -> Caller:
    """The caller described by the data of ``token``; the token itself is left out."""
    return Caller(
        user_id=token.user_id,
        user_name=token.user_name,
        project_id=token.project_id,
        project_name=token.project_name,
        user_domain_id=token.user_domain_id,
        project_domain_id=token.project_domain_id,
        roles=token.roles,
        is_admin_project=token.is_admin_project,
        trust_id=token.trust_id,
        domain_id=token.domain_id,
        system_scope=token.system_scope,
        expires_at=token.expires_at,
        is_signed=is_from_signature(token),
    )


def _hash(proof: str) -> bytes:
    return hashlib.sha256(proof.encode()).digest()
