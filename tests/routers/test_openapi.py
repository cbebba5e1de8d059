"""The OpenAPI document is complete, and no request made from it breaks the server or its promises."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import httpx
import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis import checks

from stackd.app import make_asgi
from stackd.routers.api import make_api
from stackd.routers.front import Front
from stackd.settings import Settings
from tests.routers.conftest import ORIGIN, Api, served, signed_in
from tests.support.engine import world
from tests.support.virtual_time import VirtualTimeLoop

DOCUMENT = make_api(cast(Front, SimpleNamespace(settings=Settings()))).openapi()
SCHEMA = schemathesis.openapi.from_dict(DOCUMENT)
CHECKS = [
    checks.not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_schema_conformance,
]
TEMPLATE = {
    "heat_template_version": "2021-04-16",
    "resources": {"word": {"type": "OS::Heat::RandomString"}},
    "outputs": {"word": {"value": {"get_attr": ["word", "value"]}}},
}


class Server:
    """The API on a loop that runs while a call is answered, and what is known of one stack."""

    def __init__(self, runner: asyncio.Runner, api: Api, path: str) -> None:
        self._runner = runner
        self._api = api
        _, _, name, stack_id = path.split("/")
        self.parts = {
            "project": api.project,
            "name": name,
            "id": stack_id,
            "resource": "word",
            "key": "word",
            "type": "OS::Heat::RandomString",
            "version": "heat_template_version.rocky",
        }

    def send(self, request: requests.Request) -> httpx.Response:
        """The answer to a request with the token of a member."""
        sent = request.prepare()
        headers = {**sent.headers, "X-Auth-Token": self._api.token}
        return self._runner.run(
            self._api.raw(str(sent.method), str(sent.url), content=sent.body, headers=headers)
        )


@contextlib.asynccontextmanager
async def serving(directory: Path) -> AsyncIterator[tuple[Api, str]]:
    """The API with one stack, and the stack's path."""
    async with world(directory) as made, served(made) as parts:
        transport = httpx.ASGITransport(make_asgi(parts))
        async with httpx.AsyncClient(transport=transport, base_url=ORIGIN) as client:
            api = await signed_in(parts, client, "demo")
            yield api, await api.create("known", TEMPLATE)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server in process, in virtual time."""
    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        running = serving(tmp_path_factory.mktemp("served"))
        yield Server(runner, *runner.run(running.__aenter__()))
        runner.run(running.__aexit__(None, None, None))


@SCHEMA.parametrize()
@settings(max_examples=3, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
def test_answers_are_as_documented(case: Any, server: Server) -> None:
    known = dict(server.parts)
    if case.method == "DELETE":
        known["name"] = "unknown"
    for name in case.path_parameters or {}:
        if name in known:
            case.path_parameters[name] = known[name]
    answer = server.send(requests.Request(**case.as_transport_kwargs(base_url=ORIGIN)))
    assert answer.headers["x-openstack-request-id"]
    case.validate_response(answer, checks=CHECKS)


def test_document_is_served(server: Server) -> None:
    answer = server.send(requests.Request("GET", f"{ORIGIN}/openapi.json"))
    assert answer.status_code == 200
    assert answer.json() == DOCUMENT


def test_document_names_every_part_of_every_path() -> None:
    assert len(DOCUMENT["paths"]) > 30
    for path, operations in DOCUMENT["paths"].items():
        for operation in operations.values():
            parts = [p["name"] for p in operation["parameters"] if p["in"] == "path"]
            assert [f"{{{part}}}" for part in parts] == [s for s in path.split("/") if s.startswith("{")]
            assert operation["summary"]


def test_operations_have_names_of_their_own() -> None:
    names = [each["operationId"] for paths in DOCUMENT["paths"].values() for each in paths.values()]
    assert len(set(names)) == len(names)
