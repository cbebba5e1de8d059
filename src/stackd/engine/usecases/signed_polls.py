"""Who asks for the metadata of a resource with a signature: mostly its guest, again and again.

A guest is proven by the secret of the user that was made for its resource, without a call. Any other
signature is Keystone's to check, such as that of a user who is a resource of the template.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterator, Mapping, Sequence
from typing import Final
from urllib.parse import urlsplit

from stackd.auth.signatures import SignatureValidator, SignedRequest, is_dated, refuse_expired
from stackd.db import resources
from stackd.engine.usecases.access import GUEST
from stackd.engine.usecases.engine import Engine
from stackd.errors import SignatureMismatch, UndatedSignature
from stackd.records import Caller, Resource, now
from stackd.resources.heat.addresses import is_signed_with, parse_stack_arn

_MOST: Final = 8
"""Stacks of the same name in all projects whose resources are looked at; Keystone knows the others."""


async def poller(
    engine: Engine, signatures: SignatureValidator, request: SignedRequest, stack: str, resource: str
) -> Caller:
    """The caller whose signature a request for a resource of a stack has.

    ``UndatedSignature`` if it is valid for ever and not a guest's.
    """
    named = parse_stack_arn(stack)
    reference = named.stack_id if named is not None else stack
    rows = await resources.in_stacks_named(engine.services.db, reference, resource, _MOST)
    user = _user_with_key(rows, request)
    if user is None:
        return await _known_to_keystone(signatures, request)
    places = _places(engine, request)
    if not is_signed_with(request.signature, user["secret_key"], request.verb, request.params, places):
        raise SignatureMismatch
    refuse_expired(request, now())
    return Caller(
        user_id=user["user_id"],
        user_name=user["user_name"],
        project_id=user["project_id"],
        user_domain_id=user["domain_id"],
        roles=(GUEST,),
        is_signed=True,
    )


def _user_with_key(rows: Sequence[Resource], request: SignedRequest) -> Mapping[str, str] | None:
    """The user of a resource whose access key a request of version 2 has."""
    if request.params.get("SignatureVersion") != "2":
        return None
    for row in rows:
        user: Mapping[str, str] = row.data.get("stack_user") or {}
        known = user.get("access_key", "")
        if known and hmac.compare_digest(known.encode(), request.access.encode()):
            return user
    return None


def _places(engine: Engine, request: SignedRequest) -> Iterator[tuple[str, str]]:
    """Where the request came to, and the public place, should a proxy have changed it."""
    yield request.host, request.path
    public = urlsplit(engine.services.endpoints.cfn)
    yield public.netloc, public.path.removesuffix("/v1") + request.path


async def _known_to_keystone(signatures: SignatureValidator, request: SignedRequest) -> Caller:
    caller = await signatures.validate(request)
    if GUEST not in caller.roles and not is_dated(request):
        raise UndatedSignature
    return caller
