"""Authentication by AWS signature, which Keystone checks for the service user."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime, timedelta
from typing import Final

import orjson
import structlog

from stackd.auth.callers import KnownCallers, TokenCacheSettings
from stackd.clients.cloud import Cloud
from stackd.clients.keystone import Token, check_signature
from stackd.errors import (
    CloudError,
    ServiceUnavailable,
    SignatureExpired,
    SignatureMismatch,
    UnknownAccessKey,
)
from stackd.records import Caller, now

log = structlog.get_logger(__name__)

_REFUSED = frozenset({400, 401, 404})
_UNKNOWN_KEY = 404
_RENEWAL_PAUSE = 60.0
_NO_KEYSTONE = "The Identity service cannot check the signature of the request at the moment."
_REMEDY = "the service user needs the role service or admin, and Keystone its API of EC2 tokens"
_KEPT = TokenCacheSettings(ttl=5.0, most=2_000)
"""A client that repeats a request is known for seconds; the signature covers the time of the request."""

WINDOW: Final = timedelta(minutes=15)
"""How far the time of a signature may be from the server's; Keystone has the same limit."""


@dataclass(frozen=True, slots=True)
class SignedRequest:
    """A signed request, exactly as received.

    ``params`` are without the signature itself; names in ``headers`` are in title case, as Keystone reads
    them; ``body_hash`` is the SHA-256 of the raw body in hexadecimal.
    """

    access: str
    signature: str = field(repr=False)
    host: str
    verb: str
    path: str
    params: Mapping[str, str]
    headers: Mapping[str, str] = field(repr=False)
    body_hash: str


# --- the time of a signature ----------------------------------------------------------------------


def is_dated(request: SignedRequest) -> bool:
    """Whether the signature is good for some time only."""
    return _time_in(request) is not None or "Expires" in request.params


def refuse_expired(request: SignedRequest, at: datetime) -> None:
    """Raises ``SignatureExpired`` if the signature is not valid at a time."""
    if (made := _time_in(request)) is not None:
        valid = min(WINDOW, timedelta(seconds=_lifetime(request)))
        if not -WINDOW <= at - _moment(made) <= valid:
            raise SignatureExpired(f"The request was signed at {made}, and is valid for a limited time only.")
    if (end := request.params.get("Expires")) is not None and _moment(end) <= at:
        raise SignatureExpired(f"The request expired at {end}.")


def _time_in(request: SignedRequest) -> str | None:
    """The time that a signature has: in the query or form, or in a header (version 4)."""
    params, headers = request.params, request.headers
    if "Authorization" in headers:
        return headers.get("X-Amz-Date") or headers.get("Date") or ""
    return params.get("X-Amz-Date") or params.get("Timestamp")


def _lifetime(request: SignedRequest) -> int:
    """For how many seconds a URL is said to be valid; everything else is valid for the window."""
    given = request.params.get("X-Amz-Expires", "")
    if given and not (given.isascii() and given.isdigit() and len(given) < 9):
        raise SignatureExpired("The parameter X-Amz-Expires must be a number of seconds.")
    return int(given) if given else int(WINDOW.total_seconds())


def _moment(text: str) -> datetime:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise SignatureExpired(f"The time {text[:40]!r} of the signature is no time.") from None
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found


# --- Keystone -------------------------------------------------------------------------------------


class SignatureValidator:
    """Turns a signed request into its ``Caller``; ``service`` is the cloud of the service user.

    ``admit`` gets every token that Keystone issued for a request, with its catalog. Only the same request
    with the same signature is known again, and only for seconds.
    """

    def __init__(
        self,
        service: Cloud,
        *,
        admit: Callable[[Token], None] | None = None,
        clock: Callable[[], datetime] = now,
    ) -> None:
        self._service = service
        self._admit = admit
        self._clock = clock
        self._known = KnownCallers(_KEPT, now=clock)
        self._renewed_at = float("-inf")

    async def validate(self, request: SignedRequest) -> Caller:
        """The caller, with a token that Keystone issued for the request.

        ``UnknownAccessKey``, ``SignatureMismatch`` or ``SignatureExpired`` if the signature is not valid,
        ``ServiceUnavailable`` if Keystone does not answer.
        """
        refuse_expired(request, self._clock())
        signed = _as_sent(request)
        proof = orjson.dumps(signed, option=orjson.OPT_SORT_KEYS).decode()
        return await self._known.find(proof, lambda: self._token(signed))

    async def _token(self, signed: Mapping[str, object]) -> Token:
        try:
            own = await self._service.token()
            answer = await self._check(signed, own)
            if not isinstance(answer, Token) and answer == 401 and self._may_renew():
                answer = await self._check(signed, await self._service.session.renew(own))
        except CloudError as error:
            log.warning("signature_not_checked", error=str(error), remedy=_REMEDY)
            raise ServiceUnavailable(_NO_KEYSTONE) from error
        if not isinstance(answer, Token):
            raise UnknownAccessKey if answer == _UNKNOWN_KEY else SignatureMismatch
        if self._admit is not None:
            self._admit(answer)
        return answer

    async def _check(self, signed: Mapping[str, object], own: Token) -> Token | int:
        """The token, or the status with which Keystone refuses the request."""
        try:
            session = self._service.session
            return await check_signature(session.wire, session.settings, signed, own=own.id)
        except CloudError as error:
            if error.status not in _REFUSED:
                raise
            return error.status

    def _may_renew(self) -> bool:
        """Keystone answers 401 both to a wrong signature and to a revoked token of the service user.

        Wrong signatures must not make stackd authenticate again each time.
        """
        now = asyncio.get_running_loop().time()
        if now - self._renewed_at < _RENEWAL_PAUSE:
            return False
        self._renewed_at = now
        return True


def _as_sent(request: SignedRequest) -> dict[str, object]:
    """The request as Keystone reads it.

    A signature in the header of a POST covers the body by its hash and none of the parameters, which so need
    not be sent.
    """
    sent = {item.name: getattr(request, item.name) for item in fields(request)}
    by_hash = request.verb == "POST" and "Authorization" in request.headers
    return sent | {"params": {} if by_hash else dict(request.params), "headers": dict(request.headers)}
