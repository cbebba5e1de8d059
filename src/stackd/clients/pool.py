"""All clouds of the process: they share one HTTP client, the limits, and cached tokens."""

from __future__ import annotations

import asyncio
import random
from collections import OrderedDict
from dataclasses import replace
from types import TracebackType
from typing import Self

from stackd.clients.cloud import Cloud
from stackd.clients.credentials import Credentials, credentials_key
from stackd.clients.http import HttpSettings, make_client
from stackd.clients.keystone import KeystoneSettings
from stackd.clients.limiter import LimiterSettings, LimiterStats
from stackd.clients.session import Session
from stackd.clients.wire import RetrySettings, Wire


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

    def cloud(self, credentials: Credentials, *, region: str = "") -> Cloud:
        """The cloud of these credentials, in ``region`` or the configured one."""
        now = asyncio.get_running_loop().time()
        self._forget_idle(now)
        key = f"{region}/{credentials_key(credentials)}"
        known = self._kept.get(key)
        cloud = known[1] if known else Cloud(Session(self.wire, self._settings(region), credentials))
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
