"""Authentication by AWS signature, which Keystone checks for the service user."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace

from stackd.auth.callers import NOT_ACCEPTED, caller_of
from stackd.clients.cloud import Cloud
from stackd.clients.keystone import Token, check_signature
from stackd.errors import CloudError, ServiceUnavailable, Unauthorized
from stackd.records import Caller

_REFUSED = frozenset({400, 401, 404})
_RENEWAL_PAUSE = 60.0
_NO_KEYSTONE = "The Identity service cannot check the signature of the request at the moment."


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


class SignatureValidator:
    """Turns a signed request into its ``Caller``; ``service`` is the cloud of the service user.

    Nothing is cached: every request has a signature of its own.
    """

    def __init__(self, service: Cloud) -> None:
        self._service = service
        self._renewed_at = float("-inf")

    async def validate(self, request: SignedRequest) -> Caller:
        """The caller, with a token that Keystone issued for the request.

        ``Unauthorized`` if the signature is wrong, ``ServiceUnavailable`` if Keystone does not answer.
        """
        try:
            own = await self._service.token()
            token = await self._check(request, own)
            if token is None and self._may_renew():
                token = await self._check(request, await self._service.session.renew(own))
        except CloudError as error:
            raise ServiceUnavailable(_NO_KEYSTONE) from error
        if token is None:
            raise Unauthorized(NOT_ACCEPTED)
        return replace(caller_of(token), token=token.id)

    async def _check(self, request: SignedRequest, own: Token) -> Token | None:
        signed = {item.name: getattr(request, item.name) for item in fields(request)}
        signed |= {"params": dict(request.params), "headers": dict(request.headers)}
        try:
            session = self._service.session
            return await check_signature(session.wire, session.settings, signed, own=own.id)
        except CloudError as error:
            if error.status not in _REFUSED:
                raise
            return None

    def _may_renew(self) -> bool:
        """Keystone answers 401 both to a wrong signature and to a revoked token of the service user.

        Wrong signatures must not make stackd authenticate again each time.
        """
        now = asyncio.get_running_loop().time()
        if now - self._renewed_at < _RENEWAL_PAUSE:
            return False
        self._renewed_at = now
        return True
