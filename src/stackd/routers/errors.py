"""Renders errors as answers; nothing else does.

There are three forms of body. *A* is an error of a handler or the engine, *B* a refusal of the token check,
*C* the answer of unknown paths, redirects and accepted requests.
"""

from __future__ import annotations

from typing import Any

import orjson
import structlog
from starlette.responses import Response

from stackd.engine.usecases.failures import as_api_error, as_findings, wire_type
from stackd.errors import StackdError, TemplateError, Unauthorized, all_errors
from stackd.request_bodies import MALFORMED

log = structlog.get_logger(__name__)

JSON = "application/json"

_EXPLANATIONS = {
    400: ("Bad Request", MALFORMED),
    401: (
        "Unauthorized",
        "This server could not verify that you are authorized to access the document you requested.",
    ),
    403: ("Forbidden", "Access was denied to this resource."),
    404: ("Not Found", "The resource could not be found."),
    405: ("Method Not Allowed", MALFORMED),
    409: ("Conflict", "There was a conflict when trying to complete your request."),
    500: (
        "Internal Server Error",
        "The server has either erred or is incapable of performing the requested operation.",
    ),
    503: (
        "Service Unavailable",
        "The server is currently unavailable. Please try again at a later time.",
    ),
}


def form_a(code: int, kind: str, message: str | None, **more: Any) -> Response:
    """An error of a handler or the engine; ``more`` are further members next to the message."""
    code = code if code in _EXPLANATIONS else 500
    title, explanation = _EXPLANATIONS[code]
    error: dict[str, Any] = {"type": kind, "traceback": None}
    if message is not None:
        error["message"] = message
    error.update(more)
    body = {"code": code, "title": title, "explanation": explanation, "error": error}
    return Response(_dumps(body), code, media_type=JSON)


def form_b(auth_url: str) -> Response:
    """The token is missing or not valid."""
    message = "The request you have made requires authentication."
    body = {"error": {"code": 401, "title": "Unauthorized", "message": message}}
    headers = {"WWW-Authenticate": f'Keystone uri="{auth_url}"'}
    return Response(_dumps(body), 401, headers, JSON)


def form_c(code: int, title: str, message: str, headers: dict[str, str] | None = None) -> Response:
    """No route, a redirect, or "accepted"."""
    body = {"message": message, "code": f"{code} {title}", "title": title}
    return Response(_dumps(body), code, headers, JSON)


def not_found() -> Response:
    """The answer 404 for a path without a route."""
    return form_c(404, "Not Found", "The resource could not be found.<br /><br />\n\n\n")


def accepted() -> Response:
    """The answer 202: the operation continues after the answer."""
    return form_c(202, "Accepted", "The request is accepted for processing.<br /><br />\n\n\n")


def found(location: str) -> Response:
    """The answer 302; clients repeat the request with the same method and body."""
    text = f"The resource was found at {location};\nyou should be redirected automatically.\n\n"
    return form_c(302, "Found", text, {"Location": location})


def unexpected(_request_id: str) -> Response:
    """The answer 500 for an unexpected exception; the log has it under the request id."""
    message = "Internal error. The server's log has the details under the request id of this answer."
    return form_a(500, "InternalError", message)


def answer_to(raised: StackdError, auth_url: str) -> Response:
    """The answer to an error that ends a request; what is not the client's fault is logged."""
    error = as_api_error(raised)
    if error.code >= 500:
        log.warning("request_failed", error=str(error))
    return form_b(auth_url) if isinstance(error, Unauthorized) else rendered(error)


def rendered(error: StackdError) -> Response:
    """A known error in form A."""
    message = error.wire_message if isinstance(error, TemplateError) else error.message
    return form_a(error.code, wire_type(error), message, **details(error))


def details(error: StackdError) -> dict[str, Any]:
    """The place of the mistake in a template, its remedy, and all other mistakes."""
    if not isinstance(error, TemplateError):
        return {}
    shown: dict[str, Any] = {
        "path": error.path,
        "place": error.place.to_data(),
        "remedy": error.remedy,
    }
    if error.value is not None:
        shown["value"] = error.value
    found = as_findings(all_errors(error))
    shown["errors"] = [each.to_data() for each in found.errors]
    if found.omitted:
        shown["omitted_errors"] = found.omitted
    return shown


def _dumps(body: Any) -> bytes:
    return orjson.dumps(body, default=str, option=orjson.OPT_NON_STR_KEYS)
