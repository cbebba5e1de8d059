"""Authentication by user name and password in the request, for the standalone mode."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from stackd.auth.callers import KnownCallers, TokenCacheSettings
from stackd.clients.credentials import PasswordCredentials, credentials_key
from stackd.clients.keystone import KeystoneSettings, Token, authenticate
from stackd.clients.wire import Wire
from stackd.errors import CloudError, Unauthorized
from stackd.records import Caller

_NOT_A_USER = frozenset({400, 401, 403, 404})


class PasswordValidator:
    """Authenticates callers. Requests may name the configured Keystone or one of ``allowed``."""

    def __init__(
        self,
        wire: Wire,
        keystone: KeystoneSettings,
        *,
        allowed: tuple[str, ...] = (),
        settings: TokenCacheSettings | None = None,
        now: Callable[[], datetime] | None = None,
    ) -> None:
        self._wire = wire
        self._keystone = keystone
        self._allowed = frozenset(url.rstrip("/") for url in allowed)
        self._known = KnownCallers(settings, now=now)

    async def validate(self, credentials: PasswordCredentials, auth_url: str = "") -> Caller:
        """The caller, with a token of its own.

        ``Unauthorized`` if Keystone does not accept the password, or ``auth_url`` is not an allowed one.
        """
        if not credentials.password:
            raise Unauthorized
        if auth_url and auth_url.rstrip("/") not in self._allowed | {self._keystone.auth_url.rstrip("/")}:
            raise Unauthorized(f"The Identity service {auth_url} is not one that requests may name.")
        keystone = replace(self._keystone, auth_url=auth_url) if auth_url else self._keystone
        proof = f"{keystone.auth_url}\n{credentials_key(credentials)}"
        return await self._known.find(proof, lambda: self._ask(keystone, credentials))

    async def _ask(self, keystone: KeystoneSettings, credentials: PasswordCredentials) -> Token | None:
        try:
            return await authenticate(self._wire, keystone, credentials)
        except CloudError as error:
            if error.status not in _NOT_A_USER:
                raise
            return None
