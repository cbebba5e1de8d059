"""Endpoints get what they declare, and the document shows the same."""

from __future__ import annotations

from typing import Annotated, Any

import httpx
import orjson
import pytest
from fastapi import Body, Query
from starlette.requests import Request
from starlette.responses import Response

from stackd.app import Parts
from stackd.engine.usecases.queries import Reader
from stackd.routers import views
from stackd.routers.api import NOUNS
from stackd.routers.bodies import ActionBody
from stackd.routers.front import Call, Front
from stackd.routers.queries import Flag, QueryModel
from stackd.routers.routing import CallRoute, noun
from tests.routers.conftest import Api

router = noun("test")


class Asked(QueryModel):
    """A query."""

    flag: Flag = False


@router.put("/v1/{project}/things/{name}")
async def put(call: Call, body: ActionBody, query: Annotated[Asked, Query()]) -> Response:
    """Put a thing.

    More about it.
    """
    return views.answer([body.action, query.flag])


@router.post("/v1/{project}/things")
async def post(call: Call, details: Annotated[dict[str, Any] | None, Body()] = None) -> Response:
    """Post a thing."""
    return views.answer(details)


def test_route_is_documented_by_its_endpoint_and_its_path() -> None:
    route = router.routes[0]
    assert isinstance(route, CallRoute)
    assert route.summary == "Put a thing."
    assert route.unique_id == "put_project_things_name"
    assert route.openapi_extra is not None
    assert [part["name"] for part in route.openapi_extra["parameters"]] == ["project", "name"]


def test_no_endpoint_has_dependencies_or_more_than_one_query_and_body() -> None:
    for each in NOUNS:
        for route in each.routes:
            assert isinstance(route, CallRoute)
            assert len(route.dependant.query_params) <= 1
            assert len(route.dependant.body_params) <= 1
            assert route.dependant.dependencies == []


async def called(method: str, path: str, query: bytes, body: bytes, front: object) -> Any:
    """What the endpoint of a route is given, as it answers it."""
    route = next(
        each for each in router.routes if isinstance(each, CallRoute) and method in (each.methods or ())
    )
    chunks = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive() -> dict[str, Any]:
        return chunks.pop()

    scope = {
        "type": "http",
        "method": method,
        "path": path,
        "path_params": {},
        "query_string": query,
        "headers": [(b"content-type", b"application/json")],
        "stackd.front": front,
    }
    answer = await route.get_route_handler()(Request(scope, receive))
    return orjson.loads(bytes(answer.body))


@pytest.mark.asyncio(loop_scope="module")
async def test_endpoint_gets_its_query_and_its_body(parts: Parts) -> None:
    front = Front(parts.settings, parts.engine, parts.tokens, Reader(parts.engine))
    assert await called("PUT", "/things/x", b"flag=true", b'{"check": null}', front) == ["check", True]
    assert await called("POST", "/things", b"", b'{"a": 1}', front) == {"a": 1}
    assert await called("POST", "/things", b"", b"", front) == {}


@pytest.mark.asyncio(loop_scope="module")
async def test_document_needs_no_token_and_all_else_does(client: httpx.AsyncClient) -> None:
    assert (await client.get("/openapi.json")).json()["openapi"].startswith("3.")
    assert (await client.get("/openapi%2Ejson")).status_code == 404
    assert (await client.post("/v1/p/stacks")).status_code == 401


@pytest.mark.asyncio(loop_scope="module")
async def test_slash_that_is_encoded_stays_a_part_of_a_name(api: Api) -> None:
    code, kind, message = await api.refused("GET", "/stacks/a%2Fb/some-id")
    assert (code, kind) == (404, "EntityNotFound")
    assert "a/b" in message
