"""All clouds of the process: they share one HTTP client, the limits, and cached tokens."""

from __future__ import annotations

import asyncio
import random
from collections import OrderedDict
from dataclasses import replace
from types import TracebackType
from typing import Self

from cachetools import LRUCache

from stackd.clients.cloud import Cloud
from stackd.clients.credentials import Credentials, TokenCredentials, credentials_key
from stackd.clients.http import HttpSettings, make_client
from stackd.clients.keystone import KeystoneSettings, Token
from stackd.clients.limiter import LimiterSettings, LimiterStats
from stackd.clients.session import Session, SignIn
from stackd.clients.wire import RetrySettings, Wire

_ADMITTED = 512
"""Validated tokens of callers that are remembered with their catalogs."""


class Clouds:
    """Returns the ``Cloud`` of any credentials, cached while it is in use or was recently.

    At most ``most`` are cached, each for ``idle`` seconds after its last use.
    """

    def __init__(
        self,
        keystone: KeystoneSettings,
        *,
        http: HttpSettings | None = None,
        retry: RetrySettings | None = None,
        limits: LimiterSettings | None = None,
        jitter: random.Random | None = None,
        most: int = 1000,
        idle: float = 1800.0,
    ) -> None:
        self.keystone = keystone
        self._client = make_client(http)
        connect_timeout = (http or HttpSettings()).connect_timeout
        self.wire = Wire(
            self._client, retry=retry, limits=limits, jitter=jitter, connect_timeout=connect_timeout
        )
        self._most = most
        self._idle = idle
        self._kept: OrderedDict[str, tuple[float, Cloud]] = OrderedDict()
        self._admitted: LRUCache[str, Token] = LRUCache(_ADMITTED)

    def admit(self, token: Token) -> None:
        """Remember a token that was validated with its catalog: its cloud need not validate it again."""
        self._admitted[credentials_key(TokenCredentials(token.id))] = token

    def cloud(self, credentials: Credentials, *, region: str = "") -> Cloud:
        """The cloud of these credentials, in ``region`` or the configured one."""
        name = credentials_key(credentials)
        return self._known(f"{region}/{name}", region, credentials, self._admitted.get(name))

    def delegated(self, name: str, sign_in: SignIn) -> Cloud:
        """The cloud that gets its tokens from a function, cached under ``name``."""
        return self._known(f"/{name}", "", sign_in)

    def _known(
        self, key: str, region: str, credentials: Credentials | SignIn, token: Token | None = None
    ) -> Cloud:
        now = asyncio.get_running_loop().time()
        self._forget_idle(now)
        known = self._kept.get(key)
        if known is not None:
            cloud = known[1]
        else:
            cloud = Cloud(Session(self.wire, self._settings(region), credentials, token=token))
        self._kept[key] = (now, cloud)
        self._kept.move_to_end(key)
        if len(self._kept) > self._most:
            self._kept.popitem(last=False)
        return cloud

    async def open(self, credentials: Credentials, *, region: str = "") -> Cloud:
        """The cloud of these credentials with a token, so that the properties from the token are known."""
        cloud = self.cloud(credentials, region=region)
        await cloud.token()
        return cloud

    def forget(self, credentials: Credentials) -> None:
        """Removes invalid credentials from the cache."""
        ending = "/" + credentials_key(credentials)
        for key in [key for key in self._kept if key.endswith(ending)]:
            del self._kept[key]

    def stats(self) -> dict[tuple[str, str], LimiterStats]:
        """Load, limit and totals by service and host, for the metrics."""
        return self.wire.stats()

    async def close(self) -> None:
        """Closes every connection."""
        self._kept.clear()
        await self._client.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    def _settings(self, region: str) -> KeystoneSettings:
        return self.keystone if not region else replace(self.keystone, region=region)

    def _forget_idle(self, now: float) -> None:
        while self._kept:
            key, (used, _) = next(iter(self._kept.items()))
            if now - used < self._idle:
                return
            del self._kept[key]
