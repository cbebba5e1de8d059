"""A Keystone that answers, and the clouds of a service user and of a caller."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
import pytest
import respx

from stackd.clients import Clouds, KeystoneSettings, PasswordCredentials, RetrySettings

KEYSTONE = "http://keystone/v3"
SERVICE = PasswordCredentials("pw", user_id="heat")


def token_body(**more: Any) -> dict[str, Any]:
    return {
        "token": {
            "expires_at": "2999-01-01T00:00:00.000000Z",
            "user": {"id": "u1", "name": "demo", "domain": {"id": "default", "name": "Default"}},
            "project": {"id": "p1", "name": "demo", "domain": {"id": "default", "name": "Default"}},
            "roles": [{"id": "r1", "name": "member"}, {"id": "r2", "name": "reader"}],
            "methods": ["password"],
            **more,
        }
    }


@pytest.fixture
def keystone() -> Iterator[respx.MockRouter]:
    with respx.mock(using="httpx", assert_all_called=False) as router:
        router.post(f"{KEYSTONE}/auth/tokens", name="login").mock(
            side_effect=lambda _: httpx.Response(
                201, json=token_body(), headers={"X-Subject-Token": "service-token"}
            )
        )
        yield router


@pytest.fixture
async def clouds() -> AsyncIterator[Clouds]:
    retry = RetrySettings(timeout=1.0, attempts=2, patience=5.0, first_pause=0.001, longest_pause=0.002)
    async with Clouds(KeystoneSettings("http://keystone"), retry=retry) as pool:
        yield pool
