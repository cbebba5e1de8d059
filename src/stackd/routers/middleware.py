"""The gate before the application: request ids, versions, tokens, and an answer for every error."""

from __future__ import annotations

import re
import uuid
from dataclasses import replace
from urllib.parse import quote

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from stackd.engine.validation.cloud_errors import as_api_error
from stackd.errors import StackdError, Unauthorized
from stackd.records import Caller
from stackd.routers import errors
from stackd.routers.front import BASE, CALLER, FRONT, Call, Front, check_project
from stackd.routers.routing import Table
from stackd.routers.versions import MEDIA_TYPE, choices, health

log = structlog.get_logger(__name__)

_VERSION = re.compile(r"v\d+(\.\d+)?")
_REQUEST_ID = re.compile(r"req-[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_OPEN = frozenset({"/openapi.json"})
"""What is served without a token."""


class Gate:
    """Pure ASGI: what it does costs no task and no copy of a body."""

    def __init__(self, table: Table, documentation: ASGIApp, front: Front) -> None:
        self._table = table
        self._documentation = documentation
        self._front = front

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return
        request_id = f"req-{uuid.uuid4()}"
        began = False

        async def tagged(message: Message) -> None:
            nonlocal began
            if message["type"] == "http.response.start":
                began = True
                message["headers"] = [
                    *message["headers"], (b"x-openstack-request-id", request_id.encode())
                ]  # fmt: skip
            await send(message)

        structlog.contextvars.bind_contextvars(request_id=request_id)
        try:
            response = await self._answer(scope, receive, tagged, request_id)
        except StackdError as raised:
            error = as_api_error(raised)
            if error.code >= 500:
                log.warning("request_failed", path=scope["path"], error=str(error))
            response = self._refusal(error)
        except Exception:
            log.exception("request_broke", method=scope["method"], path=scope["path"])
            if began:
                raise
            response = errors.unexpected()
        if response is not None:
            await _bodiless(scope, response)(scope, receive, tagged)

    def _refusal(self, error: StackdError) -> Response:
        if isinstance(error, Unauthorized):
            return errors.form_b(self._front.settings.keystone.auth_url)
        return errors.rendered(error)

    async def _answer(self, scope: Scope, receive: Receive, send: Send, request_id: str) -> Response | None:
        """The answer to a request; None when the documentation has given it."""
        path = _path_of(scope)
        if "%00" in path:  # no name has a null character, and some databases refuse to look for one
            return errors.not_found()
        if path in _OPEN:
            await self._documentation(scope, receive, send)
            return None
        headers = Headers(scope=scope)
        first, slash, rest = path[1:].partition("/")
        if first in ("", "versions") and not rest:
            return choices(self._origin(scope, headers))
        if path == "/healthcheck":
            return health()
        if first not in ("v1", "v1.0"):
            if _VERSION.fullmatch(first):
                return choices(self._origin(scope, headers))
            if headers.get("accept") != MEDIA_TYPE:
                return errors.not_found()
            first, slash, rest = "", "/", path[1:]
        scope[CALLER] = await self._caller(headers, request_id)
        scope[FRONT] = self._front
        scope[BASE] = self._origin(scope, headers) + (f"/{first}" if first else "")
        return await self._handled(scope, receive, send, f"/v1{slash}{rest}")

    async def _handled(self, scope: Scope, receive: Receive, send: Send, path: str) -> Response:
        """What the handler of the path says, or why there is none."""
        method: str = scope["method"]
        found = self._table.find(method, path)
        if found is None:
            return errors.not_found()
        if found.handler is None:
            return _not_allowed(method, path, found.allowed)
        check_project(self._front.engine.policy, scope[CALLER], found.parts)
        scope["path_params"] = found.parts
        return await found.handler(Call(scope, receive, send))

    async def _caller(self, headers: Headers, request_id: str) -> Caller:
        """Who calls, by the token."""
        token = headers.get("x-auth-token", "")
        caller = await self._front.tokens.validate(token)
        asked = headers.get("x-openstack-request-id", "")
        if _REQUEST_ID.fullmatch(asked):
            structlog.contextvars.bind_contextvars(global_request_id=asked)
        return replace(caller, request_id=request_id, region=headers.get("x-region-name", ""))

    def _origin(self, scope: Scope, headers: Headers) -> str:
        """Scheme and host that the client used, without a slash at the end."""
        listener = self._front.settings.api.native
        if listener.public_url:
            return listener.public_url.rstrip("/")
        host = headers.get("host") or f"{listener.host}:{listener.port}"
        scheme: str = scope.get("scheme", "http")
        if self._front.settings.api.proxy_headers:
            scheme = _first(headers.get("x-forwarded-proto")) or scheme
            host = _first(headers.get("x-forwarded-host")) or host
            prefix = _first(headers.get("x-forwarded-prefix")).rstrip("/")
            return f"{scheme}://{host}{prefix}"
        return f"{scheme}://{host}"


def _path_of(scope: Scope) -> str:
    """The path as it was sent, so that a slash inside a segment can be told from one between segments."""
    raw = scope.get("raw_path")
    return raw.partition(b"?")[0].decode("latin-1") if raw else quote(scope["path"])


def _not_allowed(method: str, path: str, allowed: tuple[str, ...]) -> Response:
    if path.endswith("/services"):
        return errors.not_found()
    headers = {"Allow": ",".join(allowed)}
    if method == "OPTIONS":
        return Response(status_code=204, headers=headers)
    answer = errors.form_a(405, "HTTPMethodNotAllowed", errors.MALFORMED)
    answer.headers["Allow"] = headers["Allow"]
    return answer


def _first(value: str | None) -> str:
    return (value or "").partition(",")[0].strip()


def _bodiless(scope: Scope, response: Response) -> Response:
    """The same answer without a body, where the method asks for none."""
    if scope["method"] == "HEAD":
        headers = MutableHeaders(raw=[pair for pair in response.raw_headers if pair[0] != b"content-length"])
        bare = Response(status_code=response.status_code)
        bare.raw_headers = [*headers.raw, (b"content-length", b"0")]
        return bare
    return response
