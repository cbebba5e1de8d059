"""ASGI middleware: request ids, API versions, and token authentication."""

from __future__ import annotations

import re
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from urllib.parse import quote

import structlog
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from stackd.drafts import changed
from stackd.offload import OWNER
from stackd.records import Caller, new_id
from stackd.request_bodies import header
from stackd.routers import errors
from stackd.routers.front import (
    ANSWERED,
    BASE,
    CALLER,
    FRONT,
    GLOBAL_REQUEST_ID,
    REQUEST_ID,
    ROUTE,
    Front,
)
from stackd.routers.versions import MEDIA_TYPE, choices, health

log = structlog.get_logger(__name__)

Handler = Callable[[Request, Any], Awaitable[Response]]
_VERSION = re.compile(r"v\d+(\.\d+)?")
_GLOBAL_ID = re.compile(r"req-[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
HEALTH = "/healthcheck"
"""The route that load balancers ask all the time; its log lines are for debugging."""

OPEN = frozenset({b"/openapi.json"})
"""Routes that need no token."""


class RequestIds:
    """Gives each request an id and a log line, and renders unexpected exceptions.

    A client may give its request an id of its own, by which it follows what comes of it in several services.
    ``broken`` makes the answer to a request that ended with one, given its id.
    """

    def __init__(self, app: ASGIApp, broken: Callable[[str], Response] = errors.unexpected) -> None:
        self._app = app
        self._broken = broken
        self._log = log.bind()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return
        request_id = scope[REQUEST_ID] = f"req-{new_id()}"
        tag = (b"x-openstack-request-id", request_id.encode())
        scope[ANSWERED] = None
        started = time.perf_counter()

        async def tagged(message: Message) -> None:
            if message["type"] == "http.response.start":
                scope[ANSWERED] = message["status"]
                message["headers"] = [*message["headers"], tag]
            await send(message)

        given = scope[GLOBAL_REQUEST_ID] = _global_id(scope)
        structlog.contextvars.bind_contextvars(request_id=request_id)
        if given:
            structlog.contextvars.bind_contextvars(global_request_id=given)
        answer = _bodiless(tagged) if scope["method"] == "HEAD" else tagged
        try:
            await self._app(scope, receive, answer)
        except Exception:
            log.exception("request_broke", method=scope["method"], route=scope.get(ROUTE, ""))
            if scope[ANSWERED] is not None:
                raise
            await self._broken(request_id)(scope, receive, answer)
        finally:
            _log_request(self._log, scope, time.perf_counter() - started)
            if given:
                structlog.contextvars.unbind_contextvars("global_request_id")


def _log_request(log: Any, scope: Scope, seconds: float) -> None:
    """One line per request: the route, not the path, for a path or query may have secrets in it.

    There is no status where the client went away before there was an answer.
    """
    route = scope.get(ROUTE, "")
    caller: Caller | None = scope.get(CALLER)
    write = log.debug if route == HEALTH else log.info
    write(
        "request",
        method=scope["method"],
        route=route,
        status=scope[ANSWERED],
        ms=round(seconds * 1000, 1),
        project=caller.project_id if caller is not None else "",
    )


def _global_id(scope: Scope) -> str:
    """The id that the client gave the request; empty if it gave none, or one of another form."""
    given = header(scope, b"x-openstack-request-id")
    return given if given and _GLOBAL_ID.fullmatch(given) else ""


def _bodiless(send: Send) -> Send:
    """Sends answers without their body."""

    async def bare(message: Message) -> None:
        if message["type"] == "http.response.start":
            kept = [pair for pair in message["headers"] if pair[0] != b"content-length"]
            message["headers"] = [*kept, (b"content-length", b"0")]
        elif message["type"] == "http.response.body":
            message["body"] = b""
        await send(message)

    return bare


class Handled:
    """Answers a request that ended with an exception by the handler of its class, or of a base of that.

    Starlette's middleware of that purpose costs each request as much as to find its route.
    """

    def __init__(self, app: ASGIApp, handlers: Mapping[Any, Handler]) -> None:
        self._app = app
        self._handlers = handlers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        try:
            await self._app(scope, receive, send)
        except Exception as error:
            known = (self._handlers.get(kind) for kind in type(error).__mro__)
            handle = next(filter(None, known), None)
            if handle is None or scope[ANSWERED] is not None:
                raise
            response = await handle(Request(scope, receive), error)
            await response(scope, receive, send)


class Versions:
    """Answers paths outside of any version; passes others on as paths below ``/v1``."""

    def __init__(self, app: ASGIApp, front: Front) -> None:
        self._app = app
        self._front = front

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        path = _path_of(scope)
        origin = self._origin(scope)
        first, _, rest = path[1:].partition("/")
        if "%00" in path:  # no name has a null character, and some databases refuse queries with one
            return await errors.not_found()(scope, receive, send)
        if path == HEALTH:
            scope[ROUTE] = HEALTH
            self._front.engine.check_health()
            return await health()(scope, receive, send)
        if (first in ("", "versions") and not rest) or _is_other_version(first):
            scope[ROUTE] = "/"
            return await choices(origin)(scope, receive, send)
        if first != "v1" and path.encode("latin-1") not in OPEN:
            if first == "v1.0":
                path = f"/v1{path[1 + len(first) :]}"
            elif header(scope, b"accept") == MEDIA_TYPE:
                first, path = "", f"/v1{path}"
            else:
                return await errors.not_found()(scope, receive, send)
        scope["raw_path"] = path.encode("latin-1")
        scope[BASE] = f"{origin}/{first}" if first else origin
        return await self._app(scope, receive, send)

    def _origin(self, scope: Scope) -> str:
        """Scheme and host that the client used, without a slash at the end."""
        listener = self._front.settings.api.native
        if listener.public_url:
            return listener.public_url.rstrip("/")
        host = header(scope, b"host") or f"{listener.host}:{listener.port}"
        scheme: str = scope.get("scheme", "http")
        if self._front.settings.api.proxy_headers:
            scheme = _first(header(scope, b"x-forwarded-proto")) or scheme
            host = _first(header(scope, b"x-forwarded-host")) or host
            prefix = _first(header(scope, b"x-forwarded-prefix")).rstrip("/")
            return f"{scheme}://{host}{prefix}"
        return f"{scheme}://{host}"


def _is_other_version(segment: str) -> bool:
    return segment not in ("v1", "v1.0") and _VERSION.fullmatch(segment) is not None


def _path_of(scope: Scope) -> str:
    """The path as sent, in which a slash inside a segment (``%2F``) differs from one between segments."""
    raw = scope.get("raw_path")
    return raw.partition(b"?")[0].decode("latin-1") if raw else quote(scope["path"])


def _first(value: str) -> str:
    return value.partition(",")[0].strip()


class Tokens:
    """Authenticates the caller; raises Unauthorized."""

    def __init__(self, app: ASGIApp, front: Front) -> None:
        self._app = app
        self._front = front

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["raw_path"] not in OPEN:
            caller = scope[CALLER] = await self._caller(scope)
            OWNER.set(caller.project_id)
            if self._front.first_uses is not None:
                await self._front.first_uses.note(caller)
            scope[FRONT] = self._front
        await self._app(scope, receive, send)

    async def _caller(self, scope: Scope) -> Caller:
        caller = await self._front.tokens.validate(header(scope, b"x-auth-token"))
        return changed(
            caller,
            request_id=scope[REQUEST_ID],
            global_request_id=scope[GLOBAL_REQUEST_ID],
            region=header(scope, b"x-region-name"),
        )
