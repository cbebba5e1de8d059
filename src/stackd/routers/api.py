"""The native API as one ASGI application."""

from __future__ import annotations

from collections.abc import Sequence

from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send

from stackd.routers import (
    actions,
    build_info,
    definitions,
    events,
    lookup,
    outputs,
    resources,
    stacks,
    templates,
)
from stackd.routers.front import Front
from stackd.routers.middleware import Gate
from stackd.routers.routing import Endpoint, Table

MODULES = (
    stacks.routes,
    resources.routes,
    events.routes,
    lookup.routes,
    outputs.routes,
    definitions.routes,
    actions.routes,
    templates.routes,
    build_info.routes,
)
_CORS_METHODS = ("GET", "PUT", "POST", "DELETE", "PATCH")
_CORS_EXPOSED = ("X-Auth-Token", "X-Subject-Token", "X-Service-Token", "X-OpenStack-Request-ID")


class Documentation:
    """The OpenAPI document, made by FastAPI when it is first asked for: most servers never are."""

    def __init__(self, endpoints: Sequence[Endpoint]) -> None:
        self._endpoints = endpoints
        self._made: ASGIApp | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if self._made is None:
            from stackd.routers.documentation import make_documentation

            self._made = make_documentation(self._endpoints)
        await self._made(scope, receive, send)


def make_api(front: Front) -> ASGIApp:
    """The application, behind its gate and, where origins are set, CORS."""
    endpoints = [endpoint for module in MODULES for endpoint in module.endpoints]
    gate: ASGIApp = Gate(Table(endpoints), Documentation(endpoints), front)
    origins = front.settings.api.cors_origins
    if not origins:
        return gate
    return CORSMiddleware(
        gate,
        allow_origins=origins,
        allow_methods=_CORS_METHODS,
        allow_headers=["*"],
        expose_headers=_CORS_EXPOSED,
    )
