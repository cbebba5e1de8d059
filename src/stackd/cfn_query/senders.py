"""Who sends a request: by an AWS signature in its query, form or header, else by a token.

What is signed is handed on exactly as it came; who checks it is the route's to say.
"""

from __future__ import annotations

import enum
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
_ONCE: Final = frozenset({"authorization", "content-encoding", "content-type", "host", "smithy-protocol"})
_SIGNED_HEADERS = re.compile(r"SignedHeaders=([^,\s]+)")
_CREDENTIAL = re.compile(r"Credential=([^/,\s]+)/")


class Way(enum.Enum):
    """Where a signature is, and of which version it is."""

    VERSION_2 = "query of a GET, or form of a POST"
    URL = "query, version 4"
    HEADER = "header, version 4"


@dataclass(frozen=True, slots=True)
class Proof:
    """The access key of a request, which may be missing, its signature, and where that is."""

    access: str
    signature: str
    way: Way


def proof_of(params: Mapping[str, str], authorization: str) -> Proof | None:
    """How a request is signed; None if it is not.

    Each way covers other parts of the request, so one with several signatures is refused.
    """
    in_header, credential = _SIGNATURE.search(authorization), _CREDENTIAL.search(authorization)
    header = Proof(credential[1] if credential else "", in_header[1] if in_header else "", Way.HEADER)
    access = params.get("X-Amz-Credential", "").partition("/")[0]
    url = Proof(access, params.get("X-Amz-Signature", ""), Way.URL)
    old = Proof(params.get("AWSAccessKeyId", ""), params.get("Signature", ""), Way.VERSION_2)
    found = [each for each in (header, url, old) if each.signature]
    if len(found) > 1:
        raise Refused(INCOMPLETE_SIGNATURE, "The request is signed in several ways.")
    return found[0] if found else None


async def sender(
    request: Request, params: Mapping[str, str], raw: bytes, check: Check | None = None
) -> Caller:
    """The caller. ``params`` are all pairs of the request, ``raw`` its body as it came.

    ``check`` checks a signature, by default Keystone does.
    """
    front = front_of(request)
    proof = proof_of(params, request.headers.get("authorization", ""))
    if proof is not None:
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
    """The signed request; refused if it does not say whose key it is, or parts of it are not signed."""
    if not proof.access:
        raise Refused(NO_ACCESS_KEY)
    _refuse_repeated_headers(request)
    _UNCOVERED[proof.way](request, params)
    headers = {name.title(): value for name, value in request.headers.items()}
    if proof.way is not Way.HEADER:  # what it has is not for us, and Keystone would take it for a signature
        headers.pop("Authorization", None)
    return SignedRequest(
        access=proof.access,
        signature=proof.signature,
        host=_host(request),
        verb=request.method,
        path=_prefix(request) + _path(request, raw=proof.way is not Way.VERSION_2),
        params={name: value for name, value in params.items() if name not in _SIGNATURES},
        headers=headers,
        body_hash=hashlib.sha256(raw).hexdigest(),
    )


def _refuse_repeated_headers(request: Request) -> None:
    """Refuse headers that are given twice: what is signed could be one of them, and what is read another."""
    names = Counter(request.headers.keys())
    for name, number in names.items():
        if number > 1 and (name in _ONCE or name.startswith("x-amz-")):
            raise Refused(INCOMPLETE_SIGNATURE, f"The header {name} is given more than once.")


def _refuse_uncovered_version_2(request: Request, params: Mapping[str, str]) -> None:
    """Refuse what older versions of signatures do not cover: most parameters."""
    if params.get("SignatureVersion") != "2":
        raise Refused(INCOMPLETE_SIGNATURE, "The parameter SignatureVersion must be 2.")


def _refuse_uncovered_url(request: Request, params: Mapping[str, str]) -> None:
    """Refuse a POST: Keystone reads no query of one, and so none that is signed."""
    if request.method == "POST":
        raise Refused(INCOMPLETE_SIGNATURE, "A signed URL is for a GET.")
    _refuse_unsigned_headers(request, params.get("X-Amz-SignedHeaders", ""))


def _refuse_uncovered_header(request: Request, params: Mapping[str, str]) -> None:
    if request.method == "POST" and request.url.query:
        raise Refused(
            INCOMPLETE_SIGNATURE,
            "The signature of a POST does not cover its query: send all parameters in the body.",
        )
    listed = _SIGNED_HEADERS.search(request.headers["authorization"])
    _refuse_unsigned_headers(request, listed[1] if listed else "")


def _refuse_unsigned_headers(request: Request, listed: str) -> None:
    """Refuse a request of version 4 with headers that mean something to AWS and that nothing signs."""
    wanted = {"host", *(name for name in request.headers if name.startswith("x-amz-"))}
    if unsigned := wanted - set(listed.lower().split(";")):
        raise Refused(WRONG_SIGNATURE, f"The signature must cover the headers {', '.join(sorted(unsigned))}.")


_UNCOVERED: Final[Mapping[Way, Callable[[Request, Mapping[str, str]], None]]] = {
    Way.VERSION_2: _refuse_uncovered_version_2,
    Way.URL: _refuse_uncovered_url,
    Way.HEADER: _refuse_uncovered_header,
}
"""What refuses a request with parts that its signature does not cover."""


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
    """What a proxy says of the request that it got; empty where proxies are not believed."""
    if not front_of(request).settings.api.proxy_headers:
        return ""
    return request.headers.get(header, "").partition(",")[0].strip()
