"""Who sends a request: by an AWS signature in its query, form or header, else by a token.

What is signed is handed on exactly as it came; who checks it is the route's to say.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from typing import Final

from starlette.requests import Request

from stackd.auth.signatures import SignedRequest
from stackd.cfn_query.codes import INCOMPLETE_SIGNATURE, NO_ACCESS_KEY, WRONG_SIGNATURE, Refused
from stackd.cfn_query.front import CALLER, GLOBAL_REQUEST_ID, REQUEST_ID, front_of
from stackd.offload import OWNER
from stackd.records import Caller

Check = Callable[[SignedRequest], Awaitable[Caller]]
"""Checks a signature; raises an error of `Unauthorized` or `Forbidden` if it is not valid."""

_SIGNATURE = re.compile(r"Signature=([0-9a-fA-F]+)")
_SIGNATURES: Final = frozenset({"Signature", "X-Amz-Signature"})
_SIGNED_HEADERS = re.compile(r"SignedHeaders=([^,\s]+)")
_ONCE: Final = frozenset({"authorization", "content-encoding", "content-type", "host", "smithy-protocol"})
_CREDENTIAL = re.compile(r"Credential=([^/,\s]+)/")


@dataclass(frozen=True, slots=True)
class Proof:
    """The access key and the signature of a request, both empty if it has none."""

    access: str
    signature: str


def proof_of(params: Mapping[str, str], authorization: str) -> Proof:
    """How a request is signed: by its parameters (version 2, or 4), or by its header (version 4)."""
    signed, credential = _SIGNATURE.search(authorization), _CREDENTIAL.search(authorization)
    signature = params.get("Signature") or params.get("X-Amz-Signature") or (signed[1] if signed else "")
    in_query = params.get("X-Amz-Credential", "").partition("/")[0]
    access = params.get("AWSAccessKeyId") or in_query or (credential[1] if credential else "")
    return Proof(access, signature)


async def sender(
    request: Request, params: Mapping[str, str], raw: bytes, check: Check | None = None
) -> Caller:
    """The caller. ``params`` are all pairs of the request, ``raw`` its body as it came.

    ``check`` checks a signature, by default Keystone does.
    """
    front = front_of(request)
    proof = proof_of(params, request.headers.get("authorization", ""))
    if proof.signature:
        checked = check or front.signatures.validate
        found = await checked(_signed(request, proof, params, raw))
    elif token := request.headers.get("x-auth-token"):
        found = await front.tokens.validate(token)
    else:
        raise Refused(INCOMPLETE_SIGNATURE)
    caller = replace(
        found,
        request_id=request.scope.get(REQUEST_ID, ""),
        global_request_id=request.scope.get(GLOBAL_REQUEST_ID, ""),
    )
    request.scope[CALLER] = caller
    OWNER.set(caller.project_id)
    return caller


def _signed(request: Request, proof: Proof, params: Mapping[str, str], raw: bytes) -> SignedRequest:
    """The signed request; refused without an access key, or if parts that are read are not signed."""
    if not proof.access:
        raise Refused(NO_ACCESS_KEY)
    in_header = _SIGNATURE.search(request.headers.get("authorization", "")) is not None
    is_version_4 = in_header or "X-Amz-Signature" in params
    if in_header and not _SIGNATURES.isdisjoint(params):
        raise Refused(
            INCOMPLETE_SIGNATURE, "The request has two signatures: one in a header, one in a parameter."
        )
    if not is_version_4 and params.get("SignatureVersion") != "2":  # older ones sign less than the request
        raise Refused(INCOMPLETE_SIGNATURE, "The signature must be one of version 2 or 4.")
    _refuse_repeated_headers(request)
    if is_version_4:
        _refuse_unsigned_query(request, params)
        _refuse_unsigned_headers(request, params)
    host = _host(request)
    return SignedRequest(
        access=proof.access,
        signature=proof.signature,
        host=host,
        verb=request.method,
        path=_prefix(request) + _path(request, raw=is_version_4),
        params={name: value for name, value in params.items() if name not in _SIGNATURES},
        headers=_headers(request, signed=in_header) | {"Host": host},
        body_hash=hashlib.sha256(raw).hexdigest(),
    )


def _headers(request: Request, *, signed: bool) -> dict[str, str]:
    """The headers by the names that Keystone reads, which takes any ``Authorization`` for a signature."""
    headers = {name.title(): value for name, value in request.headers.items()}
    if not signed:
        headers.pop("Authorization", None)
    return headers


def _refuse_repeated_headers(request: Request) -> None:
    """Refuse headers that are given twice: what is signed could be one of them, and what is read another."""
    for name, number in Counter(request.headers.keys()).items():
        if number > 1 and (name in _ONCE or name.startswith("x-amz-")):
            raise Refused(INCOMPLETE_SIGNATURE, f"The header {name} is given more than once.")


def _refuse_unsigned_query(request: Request, params: Mapping[str, str]) -> None:
    """Refuse a POST of version 4 with a query, which Keystone leaves out of what is signed.

    So it is also one whose signature is in the query: any signature in a header could be made one.
    """
    if request.method == "POST" and (request.scope["query_string"] or "X-Amz-Signature" in params):
        raise Refused(
            INCOMPLETE_SIGNATURE,
            "The signature of a POST does not cover its query: send all parameters in the body.",
        )


def _refuse_unsigned_headers(request: Request, params: Mapping[str, str]) -> None:
    """Refuse a request of version 4 with headers that mean something to AWS and that nothing signs."""
    listed = _SIGNED_HEADERS.search(request.headers.get("authorization", ""))
    names = listed[1] if listed else params.get("X-Amz-SignedHeaders", "")
    wanted = {"host", *(name for name in request.headers if name.startswith("x-amz-"))}
    if unsigned := wanted - set(names.lower().split(";")):
        raise Refused(WRONG_SIGNATURE, f"The signature must cover the headers {', '.join(sorted(unsigned))}.")


def _path(request: Request, *, raw: bool) -> str:
    """The path as it was sent, which version 4 signs; or decoded, as version 2 signs it."""
    sent: bytes = request.scope["raw_path"] if raw else request.scope["path"].encode()
    return sent.partition(b"?")[0].decode("latin-1" if raw else "utf-8")


def _host(request: Request) -> str:
    """The host that the client sees, with its port."""
    return _forwarded(request, "x-forwarded-host") or request.headers.get("host", "")


def _prefix(request: Request) -> str:
    """The beginning of the path that a proxy took away."""
    return _forwarded(request, "x-forwarded-prefix").rstrip("/")


def _forwarded(request: Request, header: str) -> str:
    """The value of a header that a proxy sets; empty unless ``api.proxy_headers`` is on."""
    if not front_of(request).settings.api.proxy_headers:
        return ""
    return request.headers.get(header, "").partition(",")[0].strip()
