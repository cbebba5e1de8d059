"""The native API: one FastAPI application of all nouns."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI
from pydantic import ValidationError
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from stackd import __version__
from stackd.errors import BadRequest, StackdError
from stackd.routers import (
    abandoning,
    actions,
    build_info,
    definitions,
    enrollment,
    errors,
    events,
    lookup,
    models,
    outputs,
    plans,
    resources,
    snapshots,
    software_configs,
    software_deployments,
    stacks,
    templates,
)
from stackd.routers.front import Front
from stackd.routers.middleware import Handled, RequestIds, Tokens, Versions
from stackd.routers.routing import TreeRouter

NOUNS = (
    stacks.router,
    resources.router,
    events.router,
    lookup.router,
    outputs.router,
    definitions.router,
    actions.router,
    abandoning.router,
    plans.router,
    snapshots.router,
    templates.router,
    software_configs.router,
    software_deployments.router,
    build_info.router,
    enrollment.router,
)
_CORS_METHODS = ("GET", "PUT", "POST", "DELETE", "PATCH")
_CORS_EXPOSED = ("X-Auth-Token", "X-Subject-Token", "X-Service-Token", "X-OpenStack-Request-ID")
_ERRORS: dict[int | str, dict[str, Any]] = {
    400: {"model": models.Error, "description": "The request is not valid."},
    401: {"model": models.Refusal, "description": "The token is missing or not valid."},
    403: {"model": models.Error, "description": "The caller may not do this."},
    404: {"model": models.Error | models.Notice, "description": "It does not exist."},
    409: {"model": models.Error, "description": "It exists already, or is being worked on."},
    503: {"model": models.Error, "description": "Keystone or the database does not answer."},
}


class Api(FastAPI):
    """The application; its OpenAPI document is made when it is first asked for."""

    def __init__(self, front: Front) -> None:
        self._front = front
        super().__init__(
            title="Orchestration",
            description="Stacks of OpenStack resources, made from templates.",
            version=__version__,
            docs_url=None,
            redoc_url=None,
            telemetry={"tracing": False, "metrics": False, "logs": False},
            exception_handlers={StackdError: self._refused, ValidationError: _malformed},
        )
        plain = [route for route in self.router.routes if isinstance(route, Route)]
        self.router = TreeRouter(plain, NOUNS, responses=_ERRORS)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request; FastAPI's own way here asks each time whether there is telemetry."""
        scope["app"] = self
        if self.middleware_stack is None:
            self.middleware_stack = self.build_middleware_stack()
        await self.middleware_stack(scope, receive, send)

    def build_middleware_stack(self) -> ASGIApp:
        """What a request passes before the routes.

        FastAPI's own stack would add layers for telemetry, limits of bodies, forms and a page of errors.
        None is used here; what breaks is answered with the request's id.
        """
        gate = Versions(Tokens(self.router.app, self._front), self._front)
        handlers: Any = self.exception_handlers  # all of them are asynchronous
        app: ASGIApp = RequestIds(Handled(gate, handlers))
        origins = self._front.settings.api.cors_origins
        if not origins:
            return app
        return CORSMiddleware(
            app,
            allow_origins=origins,
            allow_methods=_CORS_METHODS,
            allow_headers=["*"],
            expose_headers=_CORS_EXPOSED,
        )

    async def _refused(self, request: Request, error: StackdError) -> Response:
        return errors.answer_to(error, self._front.settings.keystone.auth_url)

    def openapi(self) -> dict[str, Any]:
        """FastAPI's OpenAPI document with the token scheme added and the unused status 422 removed."""
        document = super().openapi()
        parts = document["components"]
        parts["securitySchemes"] = {"token": {"type": "apiKey", "in": "header", "name": "X-Auth-Token"}}
        for name in ("HTTPValidationError", "ValidationError"):
            parts["schemas"].pop(name, None)
        for operations in document["paths"].values():
            for operation in operations.values():
                operation["security"] = [{"token": []}]
                operation["responses"].pop("422", None)
        return document


async def _malformed(request: Request, error: ValidationError) -> Response:
    """Names the field: the messages of pydantic do not."""
    first = error.errors()[0]
    field = ".".join(str(part) for part in first["loc"])
    return errors.rendered(BadRequest(f"The value of '{field}' is wrong: {first['msg']}."))


def make_api(front: Front) -> Api:
    """The application on the parts of a process."""
    return Api(front)
