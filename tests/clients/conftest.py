"""A Keystone that answers, and clouds that never wait long between attempts."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
import pytest
import respx

from stackd.clients import (
    Clouds,
    KeystoneSettings,
    LimiterSettings,
    PasswordCredentials,
    RetrySettings,
    Scope,
)

KEYSTONE = "http://keystone/v3"
DEMO = PasswordCredentials("secret", user_name="demo", scope=Scope(project_name="demo"))
ENDPOINTS = {
    "compute": "http://nova/v2.1",
    "network": "http://neutron",
    "volumev3": "http://cinder/v3/p1",
    "image": "http://glance",
    "object-store": "http://swift/v1/AUTH_p1",
    "identity": "http://keystone/v3",
    "key-manager": "http://barbican/v1",
    "load-balancer": "http://octavia",
}


def token_body(*, expires_at: str = "2999-01-01T00:00:00.000000Z", **more: Any) -> dict[str, Any]:
    catalog = [
        {"type": kind, "endpoints": [{"interface": "public", "region_id": "R1", "url": url}]}
        for kind, url in ENDPOINTS.items()
    ]
    return {
        "token": {
            "expires_at": expires_at,
            "user": {"id": "u1", "name": "demo", "domain": {"id": "default", "name": "Default"}},
            "project": {"id": "p1", "name": "demo", "domain": {"id": "default", "name": "Default"}},
            "roles": [{"id": "r1", "name": "member"}, {"id": "r2", "name": "reader"}],
            "methods": ["password"],
            "catalog": catalog,
            **more,
        }
    }


@pytest.fixture
def api() -> Iterator[respx.MockRouter]:
    """Every service, mocked. Keystone gives out token-1, token-2 and so on."""
    with respx.mock(using="httpx", assert_all_called=False) as router:
        count = iter(range(1, 1000))
        router.post(f"{KEYSTONE}/auth/tokens", name="login").mock(
            side_effect=lambda _: httpx.Response(
                201, json=token_body(), headers={"X-Subject-Token": f"token-{next(count)}"}
            )
        )
        yield router


@pytest.fixture
async def clouds() -> AsyncIterator[Clouds]:
    """The pool under test, with pauses of a few milliseconds."""
    retry = RetrySettings(timeout=1.0, attempts=3, patience=5.0, first_pause=0.001, longest_pause=0.002)
    async with Clouds(
        KeystoneSettings("http://keystone", region="R1"),
        retry=retry,
        limits=LimiterSettings(start=4, maximum=8),
        jitter=random.Random(1),
    ) as pool:
        yield pool
