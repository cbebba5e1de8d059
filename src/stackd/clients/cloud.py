"""OpenStack as one set of credentials sees it: a token kept fresh, and the services of its catalog."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from stackd.clients.catalog import official_name
from stackd.clients.credentials import Credentials, TokenCredentials
from stackd.clients.keystone import KeystoneSettings, Token, authenticate
from stackd.clients.service import Service, endpoint_of
from stackd.clients.wire import Wire
from stackd.errors import CloudError, CloudUnauthorized

_EXPIRED = (
    "The token that the work runs with is no longer valid and cannot be renewed. "
    "Repeat the request with a new token."
)


class Cloud:
    """The services of one project (or domain), behind one set of credentials.

    Nothing is asked of Keystone before the first call. A token is replaced shortly before it expires
    and when a service refuses it; all calls that need a new one wait for the same one.
    """

    def __init__(
        self,
        wire: Wire,
        settings: KeystoneSettings,
        credentials: Credentials,
        *,
        now: Callable[[], datetime] | None = None,
    ) -> None:
        self.wire = wire
        self.settings = settings
        self._credentials = credentials
        self._now = now or (lambda: datetime.now(UTC))
        self._token: Token | None = None
        self._renewal = asyncio.Lock()
        self._services: dict[str, Service] = {}

    def service(self, kind: str) -> Service:
        """A service by any of its catalog types: ``volume``, ``volumev3`` and ``block-storage`` are one."""
        name = official_name(kind)
        if name not in self._services:
            self._services[name] = Service(self, name)
        return self._services[name]

    @property
    def compute(self) -> Service:
        """Nova."""
        return self.service("compute")

    @property
    def network(self) -> Service:
        """Neutron."""
        return self.service("network")

    @property
    def volume(self) -> Service:
        """Cinder."""
        return self.service("block-storage")

    @property
    def image(self) -> Service:
        """Glance."""
        return self.service("image")

    @property
    def object_store(self) -> Service:
        """Swift."""
        return self.service("object-store")

    @property
    def identity(self) -> Service:
        """Keystone."""
        return self.service("identity")

    @property
    def orchestration(self) -> Service:
        """Heat, or stackd in another region."""
        return self.service("orchestration")

    async def token(self) -> Token:
        """A token that is good for a while yet."""
        token = self._token
        if token is not None and self._is_fresh(token):
            return token
        return await self._replace(token)

    async def renew(self, refused: Token) -> Token:
        """A token other than ``refused``, which a service did not accept."""
        return await self._replace(refused)

    @property
    def known(self) -> Token:
        """The latest token, for what it says. There is one after the first call or ``await token()``."""
        if self._token is None:
            raise RuntimeError("The cloud was asked about its token before it had one")
        return self._token

    @property
    def project_id(self) -> str:
        """The project of the token, empty when it is not scoped to one."""
        return self.known.project_id

    @property
    def user_id(self) -> str:
        """The user for whom the token speaks: of a trust, the one who gave it."""
        return self.known.user_id

    @property
    def roles(self) -> tuple[str, ...]:
        """The roles of the token, those implied by others included."""
        return self.known.roles

    def has_service(self, kind: str) -> bool:
        """Whether the catalog (or the operator) names an endpoint of the service."""
        try:
            return bool(endpoint_of(self.settings, self.known, kind))
        except CloudError:
            return False

    async def _replace(self, stale: Token | None) -> Token:
        async with self._renewal:
            if self._token is not None and self._token is not stale:
                return self._token
            if stale is not None and isinstance(self._credentials, TokenCredentials):
                raise CloudUnauthorized(_EXPIRED, service="identity", status=401)
            self._token = await authenticate(self.wire, self.settings, self._credentials)
            return self._token

    def _is_fresh(self, token: Token) -> bool:
        spare = 0.0 if isinstance(self._credentials, TokenCredentials) else self.settings.renew_before
        return token.expires_at - self._now() > timedelta(seconds=spare)
