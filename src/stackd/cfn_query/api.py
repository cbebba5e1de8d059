"""The CloudFormation API: one FastAPI application."""

from __future__ import annotations

from fastapi import FastAPI
from fastapi.middleware.asyncexitstack import AsyncExitStackMiddleware
from starlette.exceptions import HTTPException
from starlette.middleware.exceptions import ExceptionMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp

from stackd.cfn_query import errors, signals
from stackd.cfn_query.front import CfnFront
from stackd.errors import StackdError


class CfnApi(FastAPI):
    """The application. All failures have the form that CloudFormation's clients read."""

    def __init__(self, front: CfnFront) -> None:
        super().__init__(
            openapi_url=None,
            docs_url=None,
            redoc_url=None,
            redirect_slashes=False,
            telemetry={"tracing": False, "metrics": False, "logs": False},
            exception_handlers={
                StackdError: _failed,
                signals.Refused: _refused,
                HTTPException: _not_routed,
            },
        )
        self.state.front = front
        for version in ("/v1", "/v1.0"):
            self.include_router(signals.router, prefix=version)

    def build_middleware_stack(self) -> ASGIApp:
        """What a request passes before the routes: what renders errors, and what FastAPI needs."""
        return ExceptionMiddleware(AsyncExitStackMiddleware(self.router), handlers=self.exception_handlers)


async def _failed(request: Request, error: StackdError) -> Response:
    return errors.answer_to(request, error)


async def _refused(request: Request, error: signals.Refused) -> Response:
    return errors.rendered(request, error.code)


async def _not_routed(request: Request, error: HTTPException) -> Response:
    return errors.rendered(request, errors.NO_ROUTE if error.status_code == 404 else errors.INVALID_ACTION)


def make_cfn_api(front: CfnFront) -> CfnApi:
    """The application on the parts of a process."""
    return CfnApi(front)
