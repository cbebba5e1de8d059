"""Authentication by token: validated by Keystone and cached for a short time."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from stackd.auth.callers import KnownCallers, TokenCacheSettings
from stackd.clients.cloud import Cloud
from stackd.clients.keystone import Token, read_token
from stackd.errors import CloudError, CloudUnauthorized, Unauthorized
from stackd.records import Caller

__all__ = ["TokenCacheSettings", "TokenValidator"]

_LONGEST = 16_384
_NOT_A_TOKEN = frozenset({400, 404})  # Keystone's answers for a token that it cannot read or find


class TokenValidator:
    """Turns the token of a request into its ``Caller``; ``service`` is the cloud of the service user.

    ``admit`` gets every token that was found valid, with its catalog.
    """

    def __init__(
        self,
        service: Cloud,
        settings: TokenCacheSettings | None = None,
        *,
        admit: Callable[[Token], None] | None = None,
        now: Callable[[], datetime] | None = None,
    ) -> None:
        self._service = service
        self._admit = admit
        self._known = KnownCallers(settings, now=now)

    async def validate(self, token: str) -> Caller:
        """The caller. ``Unauthorized`` for an invalid token, ``ServiceUnavailable`` without an answer."""
        if not token or len(token) > _LONGEST or not (token.isascii() and token.isprintable()):
            raise Unauthorized
        return await self._known.find(token, lambda: self._ask(token))

    def forget(self, token: str) -> None:
        """Removes a token from the cache, so that the next request calls Keystone again."""
        self._known.forget(token)

    async def _ask(self, token: str) -> Token | None:
        try:
            found = await self._read(token)
        except CloudError as error:
            if error.status not in _NOT_A_TOKEN:
                raise
            return None
        if self._admit is not None:
            self._admit(found)
        return found

    async def _read(self, token: str) -> Token:
        """The data of ``token`` from Keystone; a refused service token is renewed once."""
        wire, settings = self._service.session.wire, self._service.session.settings
        own = await self._service.token()
        try:
            return await read_token(wire, settings, token, own=own.id, catalog=self._admit is not None)
        except CloudUnauthorized as refusal:
            if refusal.status != 401:
                raise
        own = await self._service.session.renew(own)
        return await read_token(wire, settings, token, own=own.id, catalog=self._admit is not None)
