"""Renders errors as clients of AWS APIs read them; nothing else does.

Clients decide by the code, and some of them by the text, so both are those of AWS.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import structlog
from starlette.requests import Request
from starlette.responses import Response

from stackd.cfn_query.answers import answer, request_id, to_xml
from stackd.cfn_query.codes import (
    ACCESS_DENIED,
    ALREADY_EXISTS,
    BARE,
    EXPIRED,
    FAILURE,
    INCOMPLETE_SIGNATURE,
    NO_CHANGE_SET,
    TOKEN_REUSED,
    TOO_LARGE,
    UNAVAILABLE,
    UNFIT_CHANGE_SET,
    UNKNOWN_KEY,
    VALIDATION,
    WRONG_SIGNATURE,
    Code,
    Refused,
)
from stackd.cfn_query.front import ACTION
from stackd.engine.usecases.failures import as_api_error
from stackd.errors import (
    ActionInProgress,
    ChangeSetExists,
    ChangeSetNotFound,
    ChangeSetUnavailable,
    CircularDependency,
    EntityNotFound,
    InvalidFormat,
    InvalidTemplateReference,
    InvalidTemplateSection,
    InvalidTemplateVersion,
    NotEnrolled,
    RequestLimitExceeded,
    ResourceNotFound,
    SignatureExpired,
    SignatureMismatch,
    StackdError,
    StackExists,
    TemplateError,
    TokenReused,
    UndatedSignature,
    UnknownAccessKey,
    UnknownUserParameter,
    UpdateDenied,
    UserParameterMissing,
    all_errors,
    headline,
)

log = structlog.get_logger(__name__)

_BY_CLASS: tuple[tuple[type[StackdError], Code], ...] = (
    (RequestLimitExceeded, TOO_LARGE),
    (StackExists, ALREADY_EXISTS),
    (ChangeSetExists, ALREADY_EXISTS),
    (ChangeSetNotFound, NO_CHANGE_SET),
    (ChangeSetUnavailable, UNFIT_CHANGE_SET),
    (TokenReused, TOKEN_REUSED),
    (UpdateDenied, VALIDATION),
    (SignatureExpired, EXPIRED),
    (UndatedSignature, INCOMPLETE_SIGNATURE),
    (SignatureMismatch, WRONG_SIGNATURE),
    (UnknownAccessKey, UNKNOWN_KEY),
)
_BY_STATUS = {401: ACCESS_DENIED, 403: ACCESS_DENIED, 503: UNAVAILABLE}
_NO_STACK = "Stack with id {} does not exist"
_NO_STACK_TO: Mapping[str, str] = dict.fromkeys(
    ("UpdateStack", "CreateChangeSet"), "Stack [{}] does not exist"
)
"""The text for a stack that does not exist, of actions that have one of their own."""

_ABOUT_PARAMETERS: tuple[tuple[type[TemplateError], str], ...] = (
    (UserParameterMissing, "Parameters: [{}] must have values"),
    (UnknownUserParameter, "Parameters: [{}] do not exist in the template"),
)
_MOST_NAMES = 50
_LEADS: tuple[tuple[type[TemplateError], str], ...] = (
    (InvalidFormat, "Template format error: "),
    (InvalidTemplateVersion, "Template format error: "),
    (InvalidTemplateSection, "Template format error: "),
    (InvalidTemplateReference, "Template error: "),
    (CircularDependency, "Template error: "),
)


def rendered(request: Request, code: Code, message: str = "") -> Response:
    """The answer to a request that failed."""
    return answer(request, "ErrorResponse", _content(code, message, request_id(request)), code.status)


def _content(code: Code, message: str, identity: str) -> dict[str, Any]:
    error = {"Type": code.type, "Code": code.name, "Message": message or code.explanation}
    return {"Error": error, "RequestId": identity}


def answer_to(request: Request, raised: StackdError) -> Response:
    """The answer to an error that ends a request; what is not the client's fault is logged."""
    code, message = described(raised, request.scope.get(ACTION, ""))
    return rendered(request, code, message)


def described(raised: StackdError, action: str = "") -> tuple[Code, str]:
    """The code and the message of an error; the text depends on the action."""
    if isinstance(raised, Refused):
        return raised.aws_code, raised.message
    error = as_api_error(raised)
    code = next((code for kind, code in _BY_CLASS if isinstance(error, kind)), None)
    code = code or _BY_STATUS.get(error.code) or (VALIDATION if error.code < 500 else FAILURE)
    if code.status >= 500:
        log.warning("request_failed", error=str(error))
    is_shown = code not in BARE or isinstance(error, NotEnrolled)
    return code, _message(error, action) if is_shown else ""


def _message(error: StackdError, action: str) -> str:
    """The text as AWS has it, where clients read it."""
    match error:
        case StackExists():
            return f"Stack [{error.name}] already exists"
        case ActionInProgress() if action in _NO_STACK_TO:
            state = f"{error.action}_IN_PROGRESS"
            return f"Stack:{error.stack} is in {state} state and can not be updated."
        case ResourceNotFound():
            return f"Resource {error.name} does not exist for stack {error.stack}"
        case EntityNotFound(entity="Stack"):
            return _NO_STACK_TO.get(action, _NO_STACK).format(error.name)
        case TemplateError():
            return _mistake(error)
    return error.message


def _mistake(error: TemplateError) -> str:
    """A mistake in a template or its parameters."""
    for kind, text in _ABOUT_PARAMETERS:
        names = [_parameter(each) for each in all_errors(error) if isinstance(each, kind)]
        if any(names) and isinstance(headline(error), kind):
            return text.format(_listed([name for name in names if name]))
    first = headline(error)
    kinds = (lead for kind, lead in _LEADS if isinstance(first, kind))
    return f"{next(kinds, '')}{error.advice}"


def _listed(names: Sequence[str]) -> str:
    """The names, of many only the first."""
    more = [f"and {len(names) - _MOST_NAMES} more"] if len(names) > _MOST_NAMES else []
    return ", ".join([*names[:_MOST_NAMES], *more])


def _parameter(error: StackdError) -> str:
    """The name of the parameter of the template that a mistake is about; empty if it is about none."""
    path = error.path if isinstance(error, TemplateError) else ""
    section, _, name = path.partition(".")
    return name if section == "parameters" else ""


def unexpected(identity: str) -> Response:
    """The answer to a request that broke; the log has the exception under the request's id."""
    content = _content(FAILURE, "", identity)
    return Response(to_xml("ErrorResponse", content), 500, media_type="application/xml")
