"""A client's own id of a request: logged, kept with the operation, sent with every call that comes of it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import structlog
from structlog.testing import capture_logs

from stackd.app import Parts, make_asgi
from stackd.db import operations
from stackd.devcloud import DevCloud
from stackd.devcloud.wire import Call
from tests.routers.conftest import ORIGIN, Api, served, signed_in
from tests.support.engine import World
from tests.support.templates import hot
from tests.support.waiting import until

FIRST = "req-11111111-2222-3333-4444-555555555555"
SECOND = "req-22222222-2222-3333-4444-555555555555"
HEADER = "X-OpenStack-Request-ID"

NET = {"type": "OS::Neutron::Net"}
WAITS = {"type": "OS::Heat::TestResource", "properties": {"action_wait_secs": {"create": 5}}}
VOLUME = {"type": "OS::Cinder::Volume", "properties": {"size": 1}}


@pytest.fixture(autouse=True)
def _no_ids_of_other_tests() -> Iterator[None]:
    structlog.contextvars.clear_contextvars()
    yield
    structlog.contextvars.clear_contextvars()


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str, str]]:
    """The method, path and id of every call of a service but Keystone, as they come."""
    seen: list[tuple[str, str, str]] = []
    make = DevCloud._call

    def noted(self: DevCloud, service: Any, scope: Any, path: str, body: bytes) -> Call:
        call = make(self, service, scope, path, body)
        if service.name != "identity":
            seen.append((call.method, path, call.headers.get(HEADER.lower(), "")))
        return call

    monkeypatch.setattr(DevCloud, "_call", noted)
    return seen


async def client_of(parts: Parts) -> Api:
    transport = httpx.ASGITransport(make_asgi(parts))
    return await signed_in(parts, httpx.AsyncClient(transport=transport, base_url=ORIGIN), "demo")


async def post(api: Api, name: str, given: str, **resources: Any) -> str:
    """The path of a new stack, asked for with an id in a context of its own, as servers have it."""
    headers = {"X-Auth-Token": api.token, HEADER: given}
    body = {"stack_name": name, "template": hot(resources)}
    asked = asyncio.create_task(api.raw("POST", f"/v1/{api.project}/stacks", headers=headers, json=body))
    answer = await asked
    assert answer.status_code == 201, answer.text
    return f"/stacks/{name}/{answer.json()['stack']['id']}"


async def test_calls_before_and_after_a_restart_carry_the_id_that_the_client_gave(
    stackd_world: World, sent: list[tuple[str, str, str]]
) -> None:
    async with served(stackd_world) as parts:
        api = await client_of(parts)
        path = await post(api, "s", FIRST, early=NET, slow=WAITS, late={**VOLUME, "depends_on": "slow"})
        await until(lambda: stackd_world.counts() == {"networks": 1})
        kept = await operations.unfinished(parts.engine.services.db)
        assert [each.global_request_id for each in kept] == [FIRST]
        assert kept[0].request_id not in ("", FIRST)
    before = len(sent)
    with capture_logs(processors=[structlog.contextvars.merge_contextvars]) as logs:
        async with served(stackd_world) as parts:
            api = await client_of(parts)
            assert (await api.settled(path))["stack_status"] == "CREATE_COMPLETE"
    operation = [line for line in logs if line["event"].startswith("operation_")]
    assert [line["global_request_id"] for line in operation] == [FIRST, FIRST]
    assert before
    assert ("POST", "volumes") in {(method, each.rpartition("/")[2]) for method, each, _ in sent[before:]}
    assert {given for _, _, given in sent} == {FIRST}


async def test_operations_at_one_moment_keep_their_ids_apart(
    stackd_world: World, sent: list[tuple[str, str, str]]
) -> None:
    """They share the credentials, and so the bulk calls, the watchers and the tasks of both."""
    async with served(stackd_world) as parts:
        api = await client_of(parts)
        both = (post(api, "a", FIRST, n=NET, v=VOLUME), post(api, "b", SECOND, n=NET, v=VOLUME))
        for path in await asyncio.gather(*both):
            assert (await api.settled(path))["stack_status"] == "CREATE_COMPLETE"
    made = {each["name"][0]: each["id"] for each in stackd_world.objects("volumes")}
    of_volumes = {(path.rpartition("/")[2], given) for _, path, given in sent if "/volumes/" in path}
    assert of_volumes == {(made["a"], FIRST), (made["b"], SECOND)}
    posts = sorted(given for method, _, given in sent if method == "POST")
    assert posts == [FIRST, FIRST, SECOND, SECOND]


async def test_an_id_is_not_that_of_later_requests_and_operations(
    stackd_world: World, sent: list[tuple[str, str, str]]
) -> None:
    async with served(stackd_world) as parts:
        api = await client_of(parts)
        path = await post(api, "s", FIRST, n=NET)
        await api.settled(path)
        sent.clear()
        answer = await api.call("DELETE", path)
        assert answer.status_code == 204
        await until(lambda: stackd_world.counts() == {})
    assert {given for _, _, given in sent} == {answer.headers[HEADER]}
