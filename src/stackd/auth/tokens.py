"""Who calls: tokens of requests, checked by Keystone and remembered for a short while.

A token is kept under its SHA-256 only. Requests that bring the same unknown token at once wait for
one question to Keystone. A token that Keystone does not know is remembered too, for less long.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from stackd.clients.cloud import Cloud
from stackd.clients.keystone import Token, read_token
from stackd.errors import CloudError, CloudUnauthorized, ServiceUnavailable, Unauthorized
from stackd.records import Caller

_LONGEST = 16_384
_NOT_A_TOKEN = frozenset({400, 404})  # what Keystone says of a token that it cannot read or find
_UNKNOWN = "The token of the request is not valid or has expired."
_NO_KEYSTONE = "The Identity service cannot check the token of the request at the moment."


@dataclass(frozen=True, slots=True)
class TokenCacheSettings:
    """How long (seconds) and how many tokens are remembered; ``refused_ttl`` is for invalid ones."""

    ttl: float = 60.0
    refused_ttl: float = 10.0
    most: int = 20_000


@dataclass(frozen=True, slots=True)
class _Kept:
    until: float
    caller: Caller | None


class TokenValidator:
    """Turns the token of a request into its ``Caller``; ``service`` is the cloud of the service user."""

    def __init__(
        self,
        service: Cloud,
        settings: TokenCacheSettings | None = None,
        *,
        now: Callable[[], datetime] | None = None,
    ) -> None:
        self._service = service
        self._settings = settings or TokenCacheSettings()
        self._now = now or (lambda: datetime.now(UTC))
        self._kept: OrderedDict[str, _Kept] = OrderedDict()
        self._asking: dict[str, asyncio.Task[Caller | None]] = {}

    async def validate(self, token: str) -> Caller:
        """The caller. ``Unauthorized`` if the token is not valid, ``ServiceUnavailable`` if none can tell."""
        if not token or len(token) > _LONGEST:
            raise Unauthorized
        key = hashlib.sha256(token.encode()).hexdigest()
        kept = self._kept.get(key)
        if kept is not None and kept.until > self._now().timestamp():
            caller = kept.caller
        else:
            caller = await self._ask_once(key, token)
        if caller is None:
            raise Unauthorized(_UNKNOWN)
        return replace(caller, token=token)

    def forget(self, token: str) -> None:
        """Drops what is known of a token, so that the next request asks Keystone again."""
        self._kept.pop(hashlib.sha256(token.encode()).hexdigest(), None)

    async def _ask_once(self, key: str, token: str) -> Caller | None:
        asking = self._asking.get(key)
        if asking is None:
            asking = self._asking[key] = asyncio.create_task(self._ask(key, token))
            asking.add_done_callback(lambda _: self._asking.pop(key, None))
        return await asyncio.shield(asking)

    async def _ask(self, key: str, token: str) -> Caller | None:
        try:
            known = await _read_as_service(self._service, token)
        except CloudError as error:
            if error.status not in _NOT_A_TOKEN:
                raise ServiceUnavailable(_NO_KEYSTONE) from error
            caller, keep = None, self._settings.refused_ttl
        else:
            caller = caller_of(known)
            keep = min(self._settings.ttl, (known.expires_at - self._now()).total_seconds())
        self._kept[key] = _Kept(self._now().timestamp() + keep, caller)
        self._kept.move_to_end(key)
        while len(self._kept) > self._settings.most:
            self._kept.popitem(last=False)
        return caller


def caller_of(token: Token) -> Caller:
    """The author of requests that bring ``token``; the token itself is left out."""
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
        system_scope=token.system_scope,
        expires_at=token.expires_at,
    )


async def _read_as_service(service: Cloud, token: str) -> Token:
    """What Keystone says about ``token``; a service token that was refused is renewed once."""
    own = await service.token()
    try:
        return await read_token(service.wire, service.settings, token, own=own.id, catalog=False)
    except CloudUnauthorized as refusal:
        if refusal.status != 401:
            raise
    own = await service.renew(own)
    return await read_token(service.wire, service.settings, token, own=own.id, catalog=False)
