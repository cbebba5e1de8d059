"""What a request costs: calls of the Identity service, trips to the database, and rows that are read."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextvars import Context, ContextVar
from typing import Any

import httpx
import pytest
import pytest_asyncio

from stackd.app import Parts, make_asgi, wired
from stackd.db.backend import Query
from stackd.db.database import Database
from stackd.engine.definition import documents
from tests.routers.conftest import ORIGIN, Api, signed_in
from tests.support.counting import counted
from tests.support.engine import World, world

pytestmark = pytest.mark.asyncio(loop_scope="module")

MANY = 60


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def made(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    async with world(tmp_path_factory.mktemp("cost")) as one:
        yield one


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def parts(made: World) -> AsyncIterator[Parts]:
    async with wired(made.settings) as started:
        yield started


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def client(parts: Parts) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(make_asgi(parts)), base_url=ORIGIN) as one:
        yield one


def validations(made: World) -> int:
    """How often a token was validated since the counts were reset."""
    return sum(number for (_, method, path), number in made.cloud.meter.calls.items()
               if method == "GET" and path.endswith("/auth/tokens"))  # fmt: skip


async def test_unknown_token_is_validated_once_for_a_new_stack(
    made: World, parts: Parts, client: httpx.AsyncClient
) -> None:
    await parts.tokens._service.token()
    api = await signed_in(parts, client, "demo")
    parts.engine.trusts._clouds._kept.clear()
    made.cloud.meter.reset()
    net = {"heat_template_version": "2018-08-31", "resources": {"n": {"type": "OS::Neutron::Net"}}}
    await api.create("s", net)
    assert validations(made) == 1


class Rows:
    """Counts the rows that are read from a database, and the trips to it.

    What tasks read that run at any time is counted only if ``everything`` is.
    """

    def __init__(self, db: Database, monkeypatch: pytest.MonkeyPatch, *, everything: bool = False) -> None:
        self.count = self.trips = 0
        fetch = db.backend.fetch
        is_ours = ContextVar("is_ours", default=everything)
        is_ours.set(True)

        async def counted(*queries: Query) -> list[list[Any]]:
            found = await fetch(*queries)
            if is_ours.get():
                self.trips += 1
                self.count += sum(map(len, found))
            return found

        monkeypatch.setattr(db.backend, "fetch", counted)

    def taken(self) -> int:
        """The rows since the last time."""
        taken, self.count = self.count, 0
        return taken


@pytest.mark.parametrize(
    "below",
    ["/resources/r0", "/resources/r0/metadata", "/resources/r0/events", "/events?limit=20", ""],
)
async def test_rows_that_are_read_do_not_grow_with_the_stack(
    parts: Parts, client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch, below: str
) -> None:
    api = await signed_in(parts, client, "admin")
    paths = [await stack_of(api, below, count) for count in (10, MANY)]
    rows = Rows(parts.engine.services.db, monkeypatch)
    read = []
    for path in paths:
        await api.get(path + below)
        rows.taken()
        await api.get(path + below)
        read.append(rows.taken())
    assert read[0] == read[1] <= 25


@pytest.mark.parametrize(
    "below",
    ["", "/resources", "/resources/r0", "/resources/r0/metadata", "/events?limit=20", "/template"],
)
async def test_stack_and_what_is_shown_of_it_are_read_in_one_trip(
    parts: Parts, client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch, below: str
) -> None:
    api = await signed_in(parts, client, "admin")
    path = await stack_of(api, f"{below} trips", 3)
    await api.get(path + below)
    rows = Rows(parts.engine.services.db, monkeypatch)
    await api.get(path + below)
    assert rows.trips == 1


@pytest.mark.parametrize(("below", "most"), [("/resources", 120), ("/events?limit={}", 65)])
async def test_few_steps_are_taken_for_each_row_of_a_list(
    parts: Parts, client: httpx.AsyncClient, below: str, most: int
) -> None:
    api = await signed_in(parts, client, "admin")
    taken = []
    for count in (10, MANY):
        path = await stack_of(api, f"{below} steps", count) + below.format(count)
        await api.get(path)
        with counted() as steps:
            await api.get(path)
        taken.append(steps.count)
    assert taken[1] - taken[0] <= most * (MANY - 10)


async def test_steps_to_validate_what_was_valid_do_not_grow_with_the_template(
    parts: Parts, client: httpx.AsyncClient
) -> None:
    api = await signed_in(parts, client, "admin")
    taken = []
    for count in (1, 100):
        resources = {f"r{number}": {"type": "OS::Heat::TestResource"} for number in range(count)}
        body = {"template": {"heat_template_version": "2018-08-31", "resources": resources}}
        first = await api.call("POST", "/validate", body)
        with counted() as steps:
            again = await api.call("POST", "/validate", body)
        assert again.content == first.content
        taken.append(steps.count)
    assert taken[1] - taken[0] < 100


async def test_template_goes_out_as_it_is_stored(
    parts: Parts, client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    api = await signed_in(parts, client, "admin")
    path = await stack_of(api, "stored", 3)
    shown = await api.get(f"{path}/template")
    monkeypatch.setattr(documents, "from_json", None)
    assert await api.get(f"{path}/template") == shown
    assert list(shown["resources"]) == ["r0", "r1", "r2"]


async def test_what_is_read_in_the_background_is_not_counted(
    parts: Parts, monkeypatch: pytest.MonkeyPatch
) -> None:
    db = parts.engine.services.db
    rows = Rows(db, monkeypatch)
    await db.ping()
    await asyncio.create_task(db.ping(), context=Context())
    assert rows.trips == 1


async def stack_of(api: Api, below: str, count: int) -> str:
    resources = {f"r{number}": {"type": "OS::Heat::TestResource"} for number in range(count)}
    name = f"s{count}{''.join(filter(str.isalnum, below))}"
    return await api.create(name, {"heat_template_version": "2018-08-31", "resources": resources})
