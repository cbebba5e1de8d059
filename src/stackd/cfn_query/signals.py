"""The URLs to which guests send signals, most of them signed ones that `Fn::Ref` or an attribute gave.

What a request says of its body's type is ignored, and the signature of a URL never covers the body: the tools
in old images send neither correctly.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from stackd.auth.signatures import SignedRequest
from stackd.cfn_query import errors
from stackd.cfn_query.answers import answer, json_answer, wants_json
from stackd.cfn_query.front import ROUTE, front_of
from stackd.engine.usecases import signals, signed_signals
from stackd.records import Caller
from stackd.request_bodies import parse, receive

router = APIRouter(redirect_slashes=False)

_SIGNATURE = re.compile(r"Signature=([0-9a-fA-F]+)")
_SIGNATURES = frozenset({"Signature", "X-Amz-Signature"})
_CREDENTIAL = re.compile(r"Credential=([^/,\s]+)/")


class Refused(Exception):
    """The request does not say who sends it."""

    def __init__(self, code: errors.Code) -> None:
        super().__init__(code.name)
        self.code = code


@dataclass(frozen=True, slots=True)
class Proof:
    """The access key and the signature of a request, both empty if it has none."""

    access: str
    signature: str


def proof_of(params: Mapping[str, str], authorization: str) -> Proof:
    """How a request is signed: by its query (version 2, or 4), or by its header (version 4)."""
    signed, credential = _SIGNATURE.search(authorization), _CREDENTIAL.search(authorization)
    signature = params.get("Signature") or params.get("X-Amz-Signature") or (signed[1] if signed else "")
    in_query = params.get("X-Amz-Credential", "").partition("/")[0]
    access = params.get("AWSAccessKeyId") or in_query or (credential[1] if credential else "")
    return Proof(access, signature)


@router.post("/signal/{arn:path}")
async def signal(request: Request) -> Response:
    """Signal a resource."""
    await _deliver(request, "signal")
    return Response()


@router.put("/waitcondition/{arn:path}")
@router.post("/waitcondition/{arn:path}")
async def signal_wait_condition(request: Request) -> Response:
    """Signal the handle of a wait condition; an answer in JSON has all its signals."""
    name, metadata = await _deliver(request, "waitcondition")
    if wants_json(request):
        return json_answer({"resource": name, "metadata": metadata})
    return answer(request, "resource", name)


async def _deliver(request: Request, kind: str) -> tuple[str, Mapping[str, Any]]:
    """Authenticate the sender, read the body, and hand both to the engine."""
    request.scope[ROUTE] = f"/v1/{kind}"
    front, arn = front_of(request), request.path_params["arn"]
    most = front.settings.limits.max_json_body_size
    stack, resource = signed_signals.addressed(arn)
    raw = await receive(request, most) if "authorization" in request.headers else None
    caller = await _sender(request, kind, arn, raw or b"")
    raw = await receive(request, most) if raw is None else raw
    details = await parse(raw) if raw.startswith(b"{") else None
    return resource, await signals.signal(front.engine, caller, stack, resource, details)


def _raw_path(request: Request) -> str:
    """The path as it was sent, which version 4 signs; version 2 signs the decoded one."""
    raw: bytes = request.scope["raw_path"]
    return raw.partition(b"?")[0].decode("latin-1")


async def _sender(request: Request, kind: str, arn: str, raw: bytes) -> Caller:
    """The caller: by a signature, else by a token."""
    front, params = front_of(request), dict(request.query_params)
    proof = proof_of(params, request.headers.get("authorization", ""))
    if not proof.signature:
        if token := request.headers.get("x-auth-token"):
            return await front.tokens.validate(token)
        raise Refused(errors.INCOMPLETE_SIGNATURE)
    if not proof.access:
        raise Refused(errors.NO_ACCESS_KEY)
    signed = SignedRequest(
        access=proof.access,
        signature=proof.signature,
        host=request.headers.get("host", ""),
        verb=request.method,
        path=request.scope["path"] if "authorization" not in request.headers else _raw_path(request),
        params={name: value for name, value in params.items() if name not in _SIGNATURES},
        headers={name.title(): value for name, value in request.headers.items()},
        body_hash=hashlib.sha256(raw).hexdigest(),
    )
    return await signed_signals.sender(front.engine, front.signatures, signed, kind, arn)
