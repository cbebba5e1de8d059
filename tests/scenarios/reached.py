"""A world in which the services of the cloud reach stackd, and each other, by URLs."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import httpx

from stackd.app import Parts, make_asgi, make_cfn_asgi
from stackd.db import operations
from stackd.devcloud.delivery import Answer, Delivery
from stackd.engine.usecases.engine import Engine
from tests.routers.conftest import ORIGIN, Api, served, signed_in
from tests.support.engine import World, world
from tests.support.waiting import until


@dataclass
class Reached:
    """A world with stackd in it; ``called`` are the URLs that services called."""

    made: World
    parts: Parts
    api: Api
    outside: httpx.AsyncClient
    called: list[str] = field(default_factory=list)

    @property
    def engine(self) -> Engine:
        """The engine of stackd."""
        return self.parts.engine

    async def ask(self, method: str, path: str, body: Any = None, **options: Any) -> httpx.Response:
        """A call of a service as the stack's user; ``path`` begins with the service's prefix."""
        headers = {"X-Auth-Token": self.api.token, **options.pop("headers", {})}
        url = f"{self.made.cloud.world.base_url}{path}"
        return await self.outside.request(method, url, headers=headers, json=body, **options)

    async def size(self, path: str) -> int:
        """How many members the group has once all signals have had their effect."""

        async def rests() -> bool:
            return not await operations.unfinished(self.engine.services.db)

        await until(rests)
        return int(await self.output(path, "size"))

    async def output(self, path: str, name: str) -> Any:
        """The value of an output."""
        return (await self.api.get(f"{path}/outputs/{name}"))["output"]["output_value"]


R = TypeVar("R", bound=Reached)


@asynccontextmanager
async def reached(tmp_path: Path, kind: type[R]) -> AsyncIterator[R]:
    """A new world of a kind. Who sends no token is taken for somebody with a signed URL."""
    async with world(tmp_path) as made, served(made) as parts:
        native = httpx.AsyncClient(transport=httpx.ASGITransport(make_asgi(parts)), base_url=ORIGIN)
        cfn = httpx.AsyncClient(transport=httpx.ASGITransport(make_cfn_asgi(parts)))
        async with native, cfn, httpx.AsyncClient() as outside:
            found = kind(made, parts, await signed_in(parts, native, "demo"), outside)

            async def send(delivery: Delivery) -> Answer:
                found.called.append(delivery.url)
                client = native if "x-auth-token" in delivery.headers else cfn
                if delivery.url.startswith(made.cloud.world.base_url):
                    client = outside
                headers = {"content-type": "application/json", **delivery.headers}
                answer = await client.request(
                    delivery.method, delivery.url, content=delivery.content, headers=headers
                )
                assert answer.status_code in (200, 201), answer.text
                return Answer(answer.status_code, dict(answer.headers), answer.content)

            made.cloud.send_out = send
            yield found
