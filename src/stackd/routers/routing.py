"""FastAPI's routers and routes as this API uses them: its declarations, and a lean way to the endpoint.

An endpoint takes a ``Call`` and, where it declares them, its query and its body as pydantic models:

    @router.get(STACK, response_model=models.StackAnswer)
    async def show(call: Call, query: Annotated[ShowQuery, Query()]) -> Response:

FastAPI makes the OpenAPI document out of that. The same models read the request, with Heat's messages; no
dependencies are solved, and what an endpoint answers goes out as it is.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from itertools import chain
from typing import Any

from fastapi import APIRouter
from fastapi.routing import APIRoute
from pydantic import BaseModel
from starlette.convertors import StringConvertor, register_url_convertor
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from stackd.request_bodies import MALFORMED
from stackd.routers import errors
from stackd.routers.bodies import parse_body
from stackd.routers.front import ROUTE, Call
from stackd.routers.queries import read_query
from stackd.routers.tree import ARN, Tree

_PARTS: Mapping[str, str] = {
    "plan": "Id of a stored plan.",
    "project": "Id of the project.",
    "name": "Name of the stack, or in short paths its name or id.",
    "id": "Id of the stack.",
    "snapshot": "Id of the snapshot.",
    "resource": "Name of the resource in the template.",
    "event": "Id of the event.",
    "key": "Name of the output.",
    "type": "Name of the resource type.",
    "config": "Id of the software configuration.",
    "deployment": "Id of the software deployment.",
    "server": "Id of the server.",
    "version": "Name of the template version, or an alias.",
}
"""Descriptions of the variable parts of paths."""

Argument = Callable[[Call], Awaitable[Any]]


class _Arn(StringConvertor):
    """All segments from one on that begins as an ARN does."""

    regex = f"{ARN}.+"


register_url_convertor("arn", _Arn())


def noun(tag: str) -> APIRouter:
    """A router for the endpoints of one noun."""
    return APIRouter(
        tags=[tag],
        route_class=CallRoute,
        generate_unique_id_function=_operation_id,
        redirect_slashes=False,
    )


class CallRoute(APIRoute):
    """A route whose endpoint takes a ``Call`` and the models that it declares."""

    def __init__(self, path: str, endpoint: Callable[..., Any], **options: Any) -> None:
        options["summary"] = (endpoint.__doc__ or "").partition("\n")[0]
        options["openapi_extra"] = {"parameters": _parts(path)}
        super().__init__(path, endpoint, **options)
        self._readers = self._arguments()

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The endpoint with its arguments read from the request, for FastAPI's own way here."""
        return lambda request: self._response(Call(request.scope, request.receive))

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request whose path and method are this route's.

        FastAPI's own way from here to the endpoint makes two exit stacks for dependencies, of which there are
        none, and looks for handlers of exceptions a second time.
        """
        response = await self._response(Call(scope, receive))
        await response(scope, receive, send)

    async def _response(self, call: Call) -> Response:
        """What the endpoint answers, with its arguments read from the request."""
        call.check_project()
        values = {name: await read(call) for name, read in self._readers}
        response: Response = await self.endpoint(call, **values)
        return response

    def _arguments(self) -> Sequence[tuple[str, Argument]]:
        """The reader of each declared argument, by name."""
        queries = [(each.name, _query(each.field_info.annotation)) for each in self.dependant.query_params]
        bodies = [
            (each.name, _body(each.field_info.annotation, required=each.field_info.is_required()))
            for each in self.dependant.body_params
        ]
        return [*bodies, *queries]


def _query(model: Any) -> Argument:
    async def read(call: Call) -> Any:
        return read_query(model, call.scope["query_string"])

    return read


def _body(model: Any, *, required: bool) -> Argument:
    is_model = isinstance(model, type) and issubclass(model, BaseModel)

    async def read(call: Call) -> Any:
        body = await call.body_object(required=required)
        return parse_body(model, body) if is_model else body

    return read


def _parts(path: str) -> list[dict[str, Any]]:
    """The variable parts of a path, as OpenAPI describes them."""
    return [
        {
            "name": name,
            "in": "path",
            "required": True,
            "description": _PARTS[name],
            "schema": {"type": "string", "minLength": 1},
        }
        for name in re.findall(r"{(\w+)", path)
    ]


def _operation_id(route: APIRoute) -> str:
    method = min(route.methods or ()).lower()
    return re.sub(r"\W+", "_", f"{method}{route.path.removeprefix('/v1')}").strip("_")


class TreeRouter(APIRouter):
    """Finds a route by the segments of the path as it was sent, so that ``%2F`` is a part of one."""

    def __init__(
        self,
        plain: Sequence[Route],
        routers: Sequence[APIRouter],
        *,
        responses: dict[int | str, dict[str, Any]],
    ) -> None:
        super().__init__(routes=list(plain), redirect_slashes=False, responses=responses)
        for router in routers:
            self.include_router(router)
        self._tree: Tree[Route] = Tree()
        for route in chain(plain, *(router.routes for router in routers)):
            assert isinstance(route, Route)
            self._tree.insert(route.path, route.methods or (), route)

    async def app(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request to the endpoint of its path, or answer with the error."""
        path: str = scope["raw_path"].decode("latin-1")
        found = self._tree.find(scope["method"], path)
        if found is None:
            await errors.not_found()(scope, receive, send)
        elif found.target is None:
            await _not_allowed(scope["method"], path, found.allowed)(scope, receive, send)
        else:
            scope["path_params"] = found.parts
            scope[ROUTE] = found.target.path
            await found.target.handle(scope, receive, send)


def _not_allowed(method: str, path: str, allowed: tuple[str, ...]) -> Response:
    if path.endswith("/services"):
        return errors.not_found()
    headers = {"Allow": ",".join(allowed)}
    if method == "OPTIONS":
        return Response(status_code=204, headers=headers)
    answer = errors.form_a(405, "HTTPMethodNotAllowed", MALFORMED)
    answer.headers["Allow"] = headers["Allow"]
    return answer
