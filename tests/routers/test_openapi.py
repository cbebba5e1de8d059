"""The OpenAPI document is complete, and no request made from it breaks the server or its promises."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis import checks

from stackd.app import serve
from stackd.routers.api import make_api
from stackd.routers.front import Front
from stackd.settings import Settings
from tests.support.engine import world
from tests.support.network import free_port

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


@dataclass(frozen=True)
class Server:
    """Where the server is, and what is known of it."""

    url: str
    token: str
    project: str
    parts: dict[str, str]


async def _run(directory: Path, port: int, told: threading.Event, stop: threading.Event) -> None:
    async with world(directory) as made:
        listener = {"native": {"port": port}}
        changed = Settings.model_validate({"api": listener}).api
        ready = asyncio.Event()
        told.auth_url = made.settings.keystone.auth_url  # type: ignore[attr-defined]
        task = asyncio.create_task(serve(made.settings.model_copy(update={"api": changed}), ready=ready))
        waiting = asyncio.create_task(ready.wait())
        await asyncio.wait([task, waiting], return_when=asyncio.FIRST_COMPLETED)
        told.set()
        while not stop.is_set():  # noqa: ASYNC110  # it is set in another thread
            await asyncio.sleep(0.05)
        task.cancel()
        await asyncio.wait([task])


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server in a thread, with one stack."""
    told, stop, port = threading.Event(), threading.Event(), free_port()
    directory = tmp_path_factory.mktemp("served")
    thread = threading.Thread(target=lambda: asyncio.run(_run(directory, port, told, stop)))
    thread.start()
    try:
        assert told.wait(120)
        yield _prepared(f"http://127.0.0.1:{port}", told.auth_url)  # type: ignore[attr-defined]
    finally:
        stop.set()
        thread.join(120)


def _prepared(url: str, auth_url: str) -> Server:
    user = {"name": "demo", "domain": {"name": "Default"}, "password": "secret"}
    scope = {"project": {"name": "demo", "domain": {"name": "Default"}}}
    identity = {"methods": ["password"], "password": {"user": user}}
    answer = httpx.post(f"{auth_url}/auth/tokens", json={"auth": {"identity": identity, "scope": scope}})
    token, project = answer.headers["x-subject-token"], answer.json()["token"]["project"]["id"]
    headers = {"X-Auth-Token": token}
    body = {"stack_name": "known", "template": TEMPLATE}
    made = httpx.post(f"{url}/v1/{project}/stacks", json=body, headers=headers).json()["stack"]["id"]
    parts = {
        "project": project,
        "name": "known",
        "id": made,
        "resource": "word",
        "key": "word",
        "type": "OS::Heat::RandomString",
        "version": "heat_template_version.rocky",
    }
    return Server(url, token, project, parts)


@SCHEMA.parametrize()
@settings(
    max_examples=3, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck)
)
def test_answers_are_as_documented(case: Any, server: Server) -> None:
    known = dict(server.parts)
    if case.method == "DELETE":
        known["name"] = "unknown"
    for name in case.path_parameters or {}:
        if name in known:
            case.path_parameters[name] = known[name]
    headers = {"X-Auth-Token": server.token}
    answer = case.call(base_url=server.url, headers=headers, allow_redirects=False)
    assert answer.headers["x-openstack-request-id"]
    case.validate_response(answer, checks=CHECKS)


def test_document_is_served(server: Server) -> None:
    answer = httpx.get(f"{server.url}/openapi.json")
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
