"""The native API as one ASGI application."""

from __future__ import annotations

from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp

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
from stackd.routers.documentation import make_documentation
from stackd.routers.front import Front
from stackd.routers.middleware import Gate
from stackd.routers.routing import Table

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


def make_api(front: Front) -> ASGIApp:
    """The application, behind its gate and, where origins are set, CORS."""
    endpoints = [endpoint for module in MODULES for endpoint in module.endpoints]
    gate: ASGIApp = Gate(Table(endpoints), make_documentation(endpoints), front)
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
