"""Renders errors as CloudFormation's clients read them; nothing else does."""

from __future__ import annotations

from dataclasses import dataclass

import structlog
from starlette.requests import Request
from starlette.responses import Response

from stackd.cfn_query.answers import answer, to_xml
from stackd.engine.usecases.failures import as_api_error
from stackd.errors import ActionInProgress, RequestLimitExceeded, StackdError

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Code:
    """A code of an error, its status, and its explanation, to which the details are added."""

    name: str
    status: int
    explanation: str


INCOMPLETE_SIGNATURE = Code(
    "IncompleteSignature", 400, "The request signature does not conform to AWS standards"
)
NO_ACCESS_KEY = Code(
    "MissingAuthenticationToken", 403, "Does not contain a valid AWS Access Key or certificate"
)
ACCESS_DENIED = Code("AccessDenied", 403, "User is not authorized to perform action")
INVALID_ACTION = Code("InvalidAction", 400, "The action or operation requested is invalid")
BAD_VALUE = Code("InvalidParameterValue", 400, "A bad or out-of-range value was supplied")
TOO_LARGE = Code("RequestLimitExceeded", 400, "Payload size exceeds maximum allowed size")
NO_ROUTE = Code("MalformedQueryString", 404, "The query string is malformed")
UNAVAILABLE = Code("ServiceUnavailable", 503, "Service temporarily unavailable")
FAILURE = Code("InternalFailure", 500, "The request processing has failed due to an internal error")

_BY_CLASS: tuple[tuple[type[StackdError], Code], ...] = (
    (RequestLimitExceeded, TOO_LARGE),
    (ActionInProgress, INVALID_ACTION),
)
_BY_STATUS = {401: ACCESS_DENIED, 403: ACCESS_DENIED, 503: UNAVAILABLE}
_BARE = (ACCESS_DENIED, UNAVAILABLE, FAILURE)
"""Codes whose details are not for callers."""


def rendered(request: Request, code: Code, details: str = "") -> Response:
    """The answer to a request that failed."""
    error = {
        "Type": "Sender" if code.status < 500 else "Server",
        "Code": code.name,
        "Message": f"{code.explanation}:{details}" if details else code.explanation,
    }
    return answer(request, "ErrorResponse", {"Error": error}, code.status)


def answer_to(request: Request, raised: StackdError) -> Response:
    """The answer to an error that ends a request; what is not the client's fault is logged."""
    error = as_api_error(raised)
    code = next((code for kind, code in _BY_CLASS if isinstance(error, kind)), None)
    code = code or _BY_STATUS.get(error.code) or (BAD_VALUE if error.code < 500 else FAILURE)
    if code.status >= 500:
        log.warning("request_failed", error=str(error))
    return rendered(request, code, "" if code in _BARE else error.message)


def unexpected() -> Response:
    """The answer to a request that broke; the log has the exception under the request id."""
    error = {"Type": "Server", "Code": FAILURE.name, "Message": FAILURE.explanation}
    return Response(to_xml("ErrorResponse", {"Error": error}), 500, media_type="application/xml")
