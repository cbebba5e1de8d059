"""The native API over a whole engine on a dev cloud, called in process; one of each for a module."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Mapping
from typing import Any

import httpx
import pytest_asyncio

from stackd.app import Parts, make_asgi, wired
from stackd.clients.credentials import PasswordCredentials, Scope
from tests.support.engine import World, world
from tests.support.waiting import until

ORIGIN = "http://orchestration.test"


class Api:
    """A client with a token; paths are below the project."""

    def __init__(self, client: httpx.AsyncClient, token: str, project: str) -> None:
        self.client = client
        self.token = token
        self.project = project

    async def raw(self, method: str, path: str, **options: Any) -> httpx.Response:
        """A call of any path, with the token unless other headers are given."""
        options.setdefault("headers", {"X-Auth-Token": self.token})
        return await self.client.request(method, path, **options)

    async def call(self, method: str, path: str, body: Any = None, **options: Any) -> httpx.Response:
        """A call below the project."""
        if body is not None:
            options["json"] = body
        return await self.raw(method, f"/v1/{self.project}{path}", **options)

    async def get(self, path: str, **options: Any) -> Any:
        """The body of a successful GET."""
        answer = await self.call("GET", path, **options)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def refused(self, method: str, path: str, body: Any = None, **options: Any) -> tuple[int, str, str]:
        """Status, type and message of an error in form A."""
        answer = await self.call(method, path, body, **options)
        shown = answer.json()
        assert set(shown) == {"code", "title", "explanation", "error"}, shown
        assert shown["code"] == answer.status_code
        return answer.status_code, shown["error"]["type"], shown["error"].get("message", "")

    async def create(self, name: str, template: Any, **more: Any) -> str:
        """The path of a new stack, once it is no longer in progress."""
        answer = await self.call("POST", "/stacks", {"stack_name": name, "template": template, **more})
        assert answer.status_code == 201, answer.text
        path = f"/stacks/{name}/{answer.json()['stack']['id']}"
        await self.settled(path)
        return path

    async def settled(self, path: str) -> Mapping[str, Any]:
        """The stack once it is no longer in progress."""

        async def rests() -> bool:
            return not (await self.get(path))["stack"]["stack_status"].endswith("IN_PROGRESS")

        await until(rests)
        stack: dict[str, Any] = (await self.get(path))["stack"]
        return stack


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def parts(tmp_path_factory: Any) -> AsyncIterator[Parts]:
    """The wired process."""
    async with world(tmp_path_factory.mktemp("api")) as made, served(made) as started:
        yield started


@contextlib.asynccontextmanager
async def served(made: World, **clients: Any) -> AsyncIterator[Parts]:
    """The process on a world's cloud, in that world's time; with other settings of its clients."""
    changed = made.settings.clients.model_copy(update=clients)
    settings = made.settings.model_copy(update={"clients": changed})
    async with wired(settings, clock=made.clock.moment) as parts:
        yield parts


async def signed_in(parts: Parts, client: httpx.AsyncClient, user: str) -> Api:
    """The API as a user of the dev cloud sees it, in the project of the same name."""
    credentials = PasswordCredentials(
        "secret",
        user_name=user,
        user_domain_name="Default",
        scope=Scope(project_name=user, project_domain_name="Default"),
    )
    token = await parts.engine.trusts._clouds.cloud(credentials).token()
    return Api(client, token.id, token.project_id)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def client(parts: Parts) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(make_asgi(parts))
    async with httpx.AsyncClient(transport=transport, base_url=ORIGIN) as made:
        yield made


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def api(parts: Parts, client: httpx.AsyncClient) -> Api:
    """A member of the project demo."""
    return await signed_in(parts, client, "demo")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def admin(parts: Parts, client: httpx.AsyncClient) -> Api:
    """The administrator of the cloud."""
    return await signed_in(parts, client, "admin")
