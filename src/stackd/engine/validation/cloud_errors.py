"""Converts errors of OpenStack services during a request into errors of the API."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from stackd.errors import (
    CloudConflict,
    CloudError,
    CloudForbidden,
    CloudNotFound,
    CloudUnauthorized,
    Forbidden,
    NotFound,
    OverQuota,
    RequestLimitExceeded,
    ServiceUnavailable,
    StackdError,
    Transient,
    Unauthorized,
)

_ANSWERS: Mapping[type[CloudError], Callable[[str], StackdError]] = {
    Transient: ServiceUnavailable,
    CloudForbidden: Forbidden,
    CloudUnauthorized: Unauthorized,
    CloudNotFound: NotFound,
    OverQuota: RequestLimitExceeded,
    CloudConflict: ServiceUnavailable,
}


def as_api_error(error: StackdError) -> StackdError:
    """The error that a request ends with; an error of a service is converted to one of stackd's."""
    make = next((make for kind, make in _ANSWERS.items() if isinstance(error, kind)), None)
    return error if make is None else make(str(error))
