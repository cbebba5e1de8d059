"""The token of one set of credentials, renewed before it expires and shared by all calls."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

from stackd.clients.credentials import Credentials, TokenCredentials
from stackd.clients.keystone import KeystoneSettings, Token, authenticate
from stackd.clients.wire import Wire
from stackd.errors import CloudUnauthorized

_EXPIRED = (
    "The token that the work runs with is no longer valid and cannot be renewed. "
    "Repeat the request with a new token."
)


SignIn = Callable[[Token | None], Awaitable[Token]]
"""Returns a valid token, other than the given one, which was refused or expires soon."""


class Session:
    """One set of credentials at Keystone, or a function that returns tokens.

    Keystone is not called before the first request. A token is replaced shortly before it expires
    and when a service refuses it; all calls that need a new one wait for the same one.
    """

    def __init__(
        self,
        wire: Wire,
        settings: KeystoneSettings,
        credentials: Credentials | SignIn,
        *,
        token: Token | None = None,
        now: Callable[[], datetime] | None = None,
    ) -> None:
        self.wire = wire
        self.settings = settings
        self._credentials = credentials
        self._now = now or (lambda: datetime.now(UTC))
        self._token = token
        self._renewal = asyncio.Lock()

    async def token(self) -> Token:
        """A valid token, renewed if it expires soon."""
        token = self._token
        if token is not None and self._is_fresh(token):
            return token
        return await self._replace(token)

    async def renew(self, refused: Token) -> Token:
        """A token other than ``refused``; ``CloudUnauthorized`` if none can be obtained."""
        return await self._replace(refused)

    @property
    def known(self) -> Token:
        """The latest token, for its data. There is one after the first call or ``await token()``."""
        if self._token is None:
            raise RuntimeError("The cloud was asked about its token before it had one")
        return self._token

    async def _replace(self, stale: Token | None) -> Token:
        async with self._renewal:
            if self._token is not None and self._token is not stale:
                return self._token
            self._token = await self._other_than(stale)
            return self._token

    async def _other_than(self, stale: Token | None) -> Token:
        if callable(self._credentials):
            return await self._credentials(stale)
        if stale is not None and isinstance(self._credentials, TokenCredentials):
            raise CloudUnauthorized(_EXPIRED, service="identity", status=401)
        return await authenticate(self.wire, self.settings, self._credentials)

    def _is_fresh(self, token: Token) -> bool:
        spare = 0.0 if isinstance(self._credentials, TokenCredentials) else self.settings.renew_before
        return token.expires_at - self._now() > timedelta(seconds=spare)
