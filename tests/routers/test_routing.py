"""Paths are found segment by segment."""

from __future__ import annotations

import pytest
from starlette.responses import Response

from stackd.routers.front import Call
from stackd.routers.routing import Routes, Table


async def _handler(call: Call) -> Response:
    return Response()


def _table() -> Table:
    routes = Routes("test")
    routes.get("/v1/{project}/stacks", None)(_handler)
    routes.get("/v1/{project}/stacks/detail", None)(_handler)
    routes.add("/v1/{project}/stacks/{name}", _handler, "GET", "POST")
    routes.add("/v1/{project}/stacks/{name:arn}", _handler, "GET")
    routes.get("/v1/{project}/stacks/{name}/{id}", None)(_handler)
    return Table(routes.endpoints)


@pytest.mark.parametrize(
    ("path", "parts"),
    [
        ("/v1/p/stacks", {"project": "p"}),
        ("/v1/p/stacks/detail", {"project": "p"}),
        ("/v1/p/stacks/n%C3%B6%20x", {"project": "p", "name": "nö x"}),
        ("/v1/p/stacks/a%2Fb/c", {"project": "p", "name": "a/b", "id": "c"}),
        ("/v1/p/stacks/arn:a:b/c/d", {"project": "p", "name": "arn:a:b/c/d"}),
        ("/v1/p/stacks/arn%3Aa%2Fb", {"project": "p", "name": "arn:a/b"}),
    ],
)
def test_path_is_found_with_its_parts(path: str, parts: dict[str, str]) -> None:
    found = _table().find("GET", path)
    assert found is not None
    assert found.handler is _handler
    assert found.parts == parts


@pytest.mark.parametrize("path", ["/", "/v1/p", "/v1/p/stacks/", "/v1//stacks", "/v1/p/stacks/a/b/c", "/x"])
def test_path_leads_nowhere(path: str) -> None:
    assert _table().find("GET", path) is None


def test_reserved_word_is_a_name_for_other_methods() -> None:
    found = _table().find("POST", "/v1/p/stacks/detail")
    assert found is not None
    assert found.parts == {"project": "p", "name": "detail"}


def test_methods_of_all_readings_of_a_path_are_told() -> None:
    found = _table().find("DELETE", "/v1/p/stacks/detail")
    assert found is not None
    assert found.handler is None
    assert found.allowed == ("GET", "POST")
