"""A dev cloud with a clock that only moves when told to, and people to call it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from stackd.devcloud import DevCloud, DevCloudSettings

URL = "http://dev.test"


class Time:
    """A clock; sleeping moves it."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.now += seconds


@dataclass(slots=True)
class User:
    """A logged-in client."""

    http: httpx.AsyncClient
    token: str
    user_id: str
    project_id: str

    async def call(self, method: str, path: str, body: Any = None, **options: Any) -> httpx.Response:
        headers = {"X-Auth-Token": self.token} | options.pop("headers", {})
        return await self.http.request(method, path, json=body, headers=headers, **options)

    async def get(self, path: str, **options: Any) -> Any:
        reply = await self.call("GET", path, **options)
        assert reply.status_code == 200, reply.text
        return reply.json()

    async def post(self, path: str, body: Any, **options: Any) -> Any:
        reply = await self.call("POST", path, body, **options)
        assert reply.status_code in (200, 201, 202), reply.text
        return reply.json() if reply.content else None

    async def status(self, method: str, path: str, body: Any = None, **options: Any) -> int:
        return (await self.call(method, path, body, **options)).status_code


@dataclass(slots=True)
class Cloud:
    """A dev cloud, its clock and its doors."""

    dev: DevCloud
    time: Time
    http: httpx.AsyncClient

    async def login(self, name: str, project: str, domain: str = "default") -> User:
        identity = {
            "methods": ["password"],
            "password": {"user": {"name": name, "password": "secret", "domain": {"id": domain}}},
        }
        scope = {"project": {"name": project, "domain": {"id": "default"}}}
        reply = await self.http.post(
            "/identity/v3/auth/tokens", json={"auth": {"identity": identity, "scope": scope}}
        )
        assert reply.status_code == 201, reply.text
        token = reply.json()["token"]
        subject = reply.headers["X-Subject-Token"]
        return User(self.http, subject, token["user"]["id"], token["project"]["id"])


@pytest.fixture
async def build() -> AsyncIterator[Callable[..., Cloud]]:
    clients: list[httpx.AsyncClient] = []

    def make(**settings: Any) -> Cloud:
        time = Time()
        dev = DevCloud(
            DevCloudSettings(**({"seed": 7} | settings)), base_url=URL, clock=time, sleep=time.sleep
        )
        http = httpx.AsyncClient(transport=httpx.ASGITransport(dev.app), base_url=URL)
        clients.append(http)
        return Cloud(dev, time, http)

    yield make
    for client in clients:
        await client.aclose()


@pytest.fixture
def cloud(build: Callable[..., Cloud]) -> Cloud:
    return build()


@pytest.fixture
async def admin(cloud: Cloud) -> User:
    return await cloud.login("admin", "admin")


@pytest.fixture
async def demo(cloud: Cloud) -> User:
    return await cloud.login("demo", "demo")
