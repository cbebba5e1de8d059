"""Who sends a signal to the CFN API, and to which resource.

A signed URL is proven by the secret of the user that was made for its resource, without a call. Any other
signature is Keystone's to check. Whether the stack, the resource or the key exists shows in neither answer.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterator, Mapping
from urllib.parse import urlsplit

from stackd.auth.signatures import SignatureValidator, SignedRequest
from stackd.db import resources, stacks
from stackd.engine.usecases.access import GUEST, StackRef
from stackd.engine.usecases.engine import Engine
from stackd.errors import BadRequest, Forbidden, Unauthorized
from stackd.records import Caller, Resource
from stackd.resources.heat.addresses import Addressed, is_signed, parse_arn

_REFUSED = "The signature of the request is not valid."


def addressed(arn: str) -> tuple[StackRef, str]:
    """The stack and the name of the resource in an ARN; ``BadRequest`` if it names none."""
    found = _parsed(arn)
    return StackRef(found.stack_id, found.stack_name), found.resource


def _parsed(arn: str) -> Addressed:
    found = parse_arn(arn)
    if found is None:
        raise BadRequest(f"{arn[:200]!r} is not the ARN of a resource.")
    return found


async def sender(
    engine: Engine, signatures: SignatureValidator, request: SignedRequest, kind: str, arn: str
) -> Caller:
    """The caller whose signature a request to the URL of ``kind`` has; ``Forbidden`` if it is not valid."""
    target = _parsed(arn)
    stack = await stacks.get(engine.services.db, target.stack_id, None)
    rows = await resources.named(engine.services.db, target.stack_id, target.resource)
    user = _user_with_key(rows, request)
    if user is None:
        return await _known_to_keystone(signatures, request)
    if stack is None or not is_signed(
        request.signature, user["secret_key"], kind, request.params, _places(engine, request, kind, arn)
    ):
        raise Forbidden(_REFUSED)
    return Caller(
        user_id=user["user_id"],
        user_name=user["user_name"],
        project_id=user["project_id"],
        user_domain_id=user["domain_id"],
        roles=(GUEST,),
    )


def _user_with_key(rows: list[Resource], request: SignedRequest) -> Mapping[str, str] | None:
    """The user of a resource who has the access key of a signed URL."""
    if request.params.get("SignatureVersion") != "2" or not request.access:
        return None
    for row in rows:
        user: Mapping[str, str] = row.data.get("stack_user") or {}
        known = user.get("access_key", "")
        if known and hmac.compare_digest(known.encode(), request.access.encode()):
            return user
    return None


def _places(engine: Engine, request: SignedRequest, kind: str, arn: str) -> Iterator[tuple[str, str]]:
    """Where the URL may lead: to where the request came, or, before a proxy changed it, to the public one."""
    yield request.host, request.path
    public = urlsplit(engine.services.endpoints.cfn)
    yield public.netloc, f"{public.path}/{kind}/{arn}"


async def _known_to_keystone(signatures: SignatureValidator, request: SignedRequest) -> Caller:
    try:
        return await signatures.validate(request)
    except Unauthorized:
        raise Forbidden(_REFUSED) from None
