"""The CloudWatch API: one FastAPI application, and the way of a request through it."""

from __future__ import annotations

from functools import partial
from typing import Final

import structlog
from fastapi import APIRouter, FastAPI
from fastapi.middleware.asyncexitstack import AsyncExitStackMiddleware
from starlette.exceptions import HTTPException
from starlette.middleware.exceptions import ExceptionMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp

from stackd.auth.signatures import SignedRequest, is_dated
from stackd.cfn_query import codes, versions
from stackd.cfn_query.api import ROOTS
from stackd.cfn_query.cloudwatch.bodies import plain_body, raw_body
from stackd.cfn_query.cloudwatch.faults import BROKEN, Fault, fault_of
from stackd.cfn_query.cloudwatch.protocols import QUERY, protocol_of
from stackd.cfn_query.codes import INCOMPLETE_SIGNATURE, INVALID_ACTION, Refused
from stackd.cfn_query.front import ACTION, ROUTE, CfnFront, front_of
from stackd.cfn_query.senders import sender
from stackd.engine.usecases.cloudwatch.actions import OPERATIONS, perform
from stackd.errors import StackdError
from stackd.records import Caller

log = structlog.get_logger(__name__)

_OPERATION: Final = "/service/{service}/operation/{operation}"
_METHODS: Final = ["GET", "POST"]


class CloudWatchApi(FastAPI):
    """Answers the actions in the protocol of each request. All failures are in that protocol, too."""

    def __init__(self, front: CfnFront) -> None:
        super().__init__(
            openapi_url=None,
            docs_url=None,
            redoc_url=None,
            redirect_slashes=False,
            telemetry={"tracing": False, "metrics": False, "logs": False},
            exception_handlers={
                StackdError: _failed,
                HTTPException: _not_routed,
                Exception: _broke,
            },
        )
        self.state.front = front
        self.include_router(versions.router)
        self.include_router(_routes())

    def build_middleware_stack(self) -> ASGIApp:
        """What a request passes before the routes: what renders errors, and what FastAPI needs."""
        return ExceptionMiddleware(AsyncExitStackMiddleware(self.router), handlers=self.exception_handlers)


def _routes() -> APIRouter:
    router = APIRouter(redirect_slashes=False)
    for path in ROOTS:
        router.add_api_route(path, _answer, methods=_METHODS)
        router.add_api_route(f"{path.rstrip('/')}{_OPERATION}", _answer, methods=["POST"])
    router.add_api_route(_OPERATION, _answer, methods=["POST"])
    router.add_api_route("/", _unversioned, methods=_METHODS)
    return router


async def _unversioned(request: Request) -> Response:
    asked = request.method == "POST" or "Action" in request.query_params
    return await _answer(request) if asked else versions.choices(request)


async def _answer(request: Request) -> Response:
    """The answer to a request: read it, find out who sends it, do what it asks, write the result."""
    front, protocol = front_of(request), protocol_of(request)
    request.scope[ROUTE] = "/v1/"
    if protocol is not QUERY and request.method != "POST":
        raise Refused(codes.WRONG_METHOD)
    raw = await raw_body(request)
    body = await plain_body(request, raw)
    asked = await protocol.read(request, body)
    known = asked.action in OPERATIONS
    request.scope[ACTION] = asked.action if known else ""
    request.scope[ROUTE] = f"/v1/{asked.action}" if known else "/v1/"
    caller = await sender(request, asked.pairs, raw, partial(_check, front))
    if not known:
        raise Refused(INVALID_ACTION, f"The action {asked.action[:100]} is not valid for this web service.")
    result = await perform(front.engine, caller, asked.action, asked.members, len(body))
    return await protocol.answer(request, result)


async def _check(front: CfnFront, signed: SignedRequest) -> Caller:
    """The caller with a signature, which must have a time: without one it would be valid for ever."""
    if not is_dated(signed):
        raise Refused(INCOMPLETE_SIGNATURE, "The signed parameters must include Timestamp or Expires.")
    return await front.signatures.validate(signed)


async def _failed(request: Request, error: StackdError) -> Response:
    return protocol_of(request).fail(request, fault_of(error))


async def _not_routed(request: Request, error: HTTPException) -> Response:
    code = codes.NO_ROUTE if error.status_code == codes.NO_ROUTE.status else codes.WRONG_METHOD
    return protocol_of(request).fail(request, Fault(code, code.explanation))


async def _broke(request: Request, error: Exception) -> Response:
    log.exception("request_broke", method=request.method, route=request.scope.get(ROUTE, ""), exc_info=error)
    return protocol_of(request).fail(request, BROKEN)


def make_cloudwatch_api(front: CfnFront) -> CloudWatchApi:
    """The CloudWatch API on the parts of a process."""
    return CloudWatchApi(front)
