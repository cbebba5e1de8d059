"""OpenStack as one set of credentials sees it: the services of its catalog, and the data of its token."""

from __future__ import annotations

from dataclasses import replace

from stackd.clients.catalog import official_name
from stackd.clients.keystone import Token
from stackd.clients.service import Patience, Service, endpoint_of
from stackd.clients.session import Session
from stackd.clients.wire import Permit, Wire
from stackd.errors import CloudError


class Cloud:
    """The services of one project (or domain), behind one set of credentials."""

    def __init__(
        self,
        session: Session,
        permit: Permit | None = None,
        patience: Patience | None = None,
        shared: dict[str, Service] | None = None,
    ) -> None:
        self.session = session
        self._permit = permit
        self._patience = patience
        self._shared: dict[str, Service] = {} if shared is None else shared
        self._services: dict[str, Service] = {} if permit or patience else self._shared
        self._offers: dict[str, bool] = {}
        self._offered_to: Token | None = None

    def with_permit(self, permit: Permit | None, patience: Patience | None = None) -> Cloud:
        """The same cloud for an operation that may change something only while ``permit`` allows it.

        ``permit`` is called at the last moment before each request that may change something, and raises when
        it must not be sent. ``patience`` is awaited when the credentials are lost; then the request is tried
        again. Token, limits and cached facts about the services are shared.
        """
        return Cloud(self.session, permit, patience, self._shared)

    def in_region(self, region: str, wire: Wire | None = None) -> Cloud:
        """The same cloud and credentials, with the services of another region; ``wire`` reaches these."""
        session = self.session
        if wire is None and region in ("", session.settings.region):
            return self

        async def sign_in(refused: Token | None) -> Token:
            return await session.token() if refused is None else await session.renew(refused)

        settings = replace(session.settings, region=region or session.settings.region)
        return Cloud(Session(wire or session.wire, settings, sign_in), self._permit, self._patience)

    def service(self, kind: str) -> Service:
        """A service by any of its catalog types: ``volume``, ``volumev3`` and ``block-storage`` are one."""
        name = official_name(kind)
        if name not in self._shared:
            self._shared[name] = Service(self.session, name)
        if name not in self._services:
            self._services[name] = self._shared[name].with_permit(self._permit, self._patience)
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
        """A valid token, renewed if it expires soon."""
        return await self.session.token()

    @property
    def known(self) -> Token:
        """The latest token, for its data. There is one after the first call or ``await token()``."""
        return self.session.known

    @property
    def project_id(self) -> str:
        """The project of the token, empty when it is not scoped to one."""
        return self.known.project_id

    @property
    def user_id(self) -> str:
        """The user whom the token represents: for a trust its trustor."""
        return self.known.user_id

    @property
    def roles(self) -> tuple[str, ...]:
        """The roles of the token, implied ones included."""
        return self.known.roles

    async def has_service(self, kind: str) -> bool:
        """Whether the catalog (or the operator) names an endpoint of the service."""
        token = await self.token()
        if token is not self._offered_to:
            self._offered_to, self._offers = token, {}
        known = self._offers.get(kind)
        if known is None:
            known = self._offers[kind] = self._is_offered(token, kind)
        return known

    def _is_offered(self, token: Token, kind: str) -> bool:
        try:
            return bool(endpoint_of(self.session.settings, token, kind))
        except CloudError:
            return False
