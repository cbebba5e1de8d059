"""What a caller is told when OpenStack refuses something that a request needs at once."""

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
    """The error that a request ends with; one of a service becomes one of stackd's own."""
    make = next((make for kind, make in _ANSWERS.items() if isinstance(error, kind)), None)
    return error if make is None else make(str(error))
