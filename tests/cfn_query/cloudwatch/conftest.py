"""The CloudWatch API of one process, and clients that speak its three protocols."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest_asyncio

from stackd.app import make_cloudwatch_asgi
from tests.cfn_query.cloudwatch.clients import ORIGIN, Client
from tests.cfn_query.conftest import System


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def client(system: System) -> AsyncIterator[Client]:
    """A member of one project."""
    api = httpx.ASGITransport(make_cloudwatch_asgi(system.parts))
    async with httpx.AsyncClient(transport=api, base_url=ORIGIN) as http:
        yield Client(http, system.aws.key)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def other(system: System, client: Client) -> Client:
    """A member of another project."""
    return Client(client.http, system.other.key)
