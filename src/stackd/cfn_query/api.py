"""The CloudFormation API: one FastAPI application."""

from __future__ import annotations

import re
from collections.abc import Mapping

from fastapi import APIRouter, FastAPI
from fastapi.middleware.asyncexitstack import AsyncExitStackMiddleware
from starlette.exceptions import HTTPException
from starlette.middleware.exceptions import ExceptionMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp

from stackd.cfn_query import codes, errors, signals, versions
from stackd.cfn_query.actions import Action
from stackd.cfn_query.cloudformation import ACTIONS
from stackd.cfn_query.dispatch import answer_query
from stackd.cfn_query.front import CfnFront
from stackd.errors import StackdError

ROOTS = ("/v1", "/v1/", "/v1.0", "/v1.0/", "/v1//v1", "/v1//v1/", "/v1/v1", "/v1/v1/")
"""Where actions are called. Some guests append the version to a URL that has it."""
_OTHER_VERSION = re.compile(r"/v\d+(\.\d+)?(/.*)?")
_NO_ROUTE = 404


class QueryApi(FastAPI):
    """Answers the actions of a table. All failures have the form that AWS clients read."""

    def __init__(self, front: CfnFront, actions: Mapping[str, Action]) -> None:
        super().__init__(
            openapi_url=None,
            docs_url=None,
            redoc_url=None,
            redirect_slashes=False,
            telemetry={"tracing": False, "metrics": False, "logs": False},
            exception_handlers={StackdError: _failed, HTTPException: _not_routed},
        )
        self.state.front = front
        self.include_router(versions.router)
        self.include_router(_queries(actions))

    def build_middleware_stack(self) -> ASGIApp:
        """What a request passes before the routes: what renders errors, and what FastAPI needs."""
        return ExceptionMiddleware(AsyncExitStackMiddleware(self.router), handlers=self.exception_handlers)


def _queries(actions: Mapping[str, Action]) -> APIRouter:
    """The routes of a table of actions."""
    router = APIRouter(redirect_slashes=False)

    async def query(request: Request) -> Response:
        return await answer_query(request, actions)

    async def unversioned(request: Request) -> Response:
        asked = request.method == "POST" or "Action" in request.query_params
        return await answer_query(request, actions) if asked else versions.choices(request)

    for path in ROOTS:
        router.add_api_route(path, query, methods=["GET", "POST"])
    router.add_api_route("/", unversioned, methods=["GET", "POST"])
    return router


async def _failed(request: Request, error: StackdError) -> Response:
    return errors.answer_to(request, error)


async def _not_routed(request: Request, error: HTTPException) -> Response:
    if error.status_code != _NO_ROUTE:
        return errors.rendered(request, codes.WRONG_METHOD)
    path = request.scope["path"]
    if _OTHER_VERSION.fullmatch(path) and not path.startswith(("/v1/", "/v1.0/")):
        return versions.choices(request)
    return errors.rendered(request, codes.NO_ROUTE)


def make_cfn_api(front: CfnFront) -> QueryApi:
    """The CloudFormation API on the parts of a process, with the URLs of signals."""
    api = QueryApi(front, ACTIONS)
    for version in ("/v1", "/v1.0"):
        api.include_router(signals.router, prefix=version)
    return api
