"""The JSON object in the body of a request: received within the limit, parsed leniently."""

from __future__ import annotations

import json
import re
from typing import Any

import orjson
from starlette.requests import Request
from starlette.types import Scope

from stackd.errors import BadRequest, RequestLimitExceeded
from stackd.offload import OWNER, Turns, in_thread, turn
from stackd.template.json_text import depth_of, read_json

MALFORMED = (
    "The server could not comply with the request since it is either malformed or otherwise incorrect."
)
_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")
_LARGE_INTEGER = re.compile(rb"\d{19}")
"""Integers that the fast parser would convert to floats."""
_LARGE = 32_000
"""Bytes of JSON that are parsed in a thread: a millisecond and more."""
_BODIES = Turns(places=64, share=32)
"""Large bodies that are received at the same time: they lie in memory until they are complete."""
_DEEPEST = 200
_HEADERS = "stackd.headers"
"""The key in a request's ASGI scope of its headers by name."""

_JSON_TYPES = ("application/json", "text/plain")


def header(scope: Scope, name: bytes) -> str:
    """The first header with a name in lower case, or nothing."""
    known: dict[bytes, bytes] | None = scope.get(_HEADERS)
    if known is None:
        known = scope[_HEADERS] = dict(reversed(scope["headers"]))
    value = known.get(name)
    return "" if value is None else value.decode("latin-1")


async def read_body(request: Request, most: int, *, required: bool) -> dict[str, Any]:
    """The JSON object of a request.

    A body counts only if its media type may be JSON and it begins with a brace; anything else is no body.
    """
    kind = header(request.scope, b"content-type").partition(";")[0].strip().lower()
    raw = await receive(request, most)
    if not raw.startswith(b"{") or (kind and kind not in _JSON_TYPES):
        if required:
            raise BadRequest(MALFORMED)
        return {}
    return await parse(raw)


async def parse(raw: bytes) -> dict[str, Any]:
    """The object in a JSON text, parsed in a thread if it is large; ``BadRequest`` if it is malformed."""
    try:
        body: dict[str, Any] = await in_thread(_decoded, raw) if len(raw) >= _LARGE else _decoded(raw)
    except ValueError as error:
        raise BadRequest(str(error)) from None
    return body


def _decoded(raw: bytes) -> Any:
    """The value of a JSON text; raises ValueError."""
    if len(raw) < _LARGE and not _LARGE_INTEGER.search(raw):
        return _flat_enough(raw, orjson.loads(raw))
    try:
        body = read_json(raw)
    except RecursionError:
        raise ValueError("The body is nested too deeply.") from None
    if _SURROGATE.search(raw):
        _refuse_halves(body)
    return _flat_enough(raw, body)


def _refuse_halves(body: Any) -> None:
    """Raise ValueError for half of a surrogate pair, which cannot be stored."""
    try:
        json.dumps(body, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raise ValueError("The body has half of a surrogate pair, which is not valid Unicode.") from None


def _flat_enough(raw: bytes, body: Any) -> Any:
    """The body; raises ValueError if it is nested more deeply than can be stored."""
    if raw.count(b"[") + raw.count(b"{") > _DEEPEST and depth_of(body, _DEEPEST) > _DEEPEST:
        raise ValueError("The body is nested too deeply.")
    return body


async def receive(request: Request, most: int) -> bytes:
    """The body as it came, of at most so many bytes; ``RequestLimitExceeded`` if it is larger."""
    announced = header(request.scope, b"content-length")
    if announced.isdigit() and int(announced) > most:
        raise _too_large(most)
    if announced.isdigit() and int(announced) < _LARGE:
        return await _received(request, most)
    owner = OWNER.get()
    await turn(_BODIES, owner)
    try:
        return await _received(request, most)
    finally:
        _BODIES.leave(owner)


async def _received(request: Request, most: int) -> bytes:
    """The body; most come whole, for which a stream would do more than it takes to read the body."""
    chunks: list[bytes] = []
    size = 0
    is_more = True
    while is_more:
        message = await request.receive()
        if message["type"] != "http.request":
            raise BadRequest("The connection was closed before the body had come.")
        chunk: bytes = message.get("body", b"")
        size += len(chunk)
        if size > most:
            raise _too_large(most)
        chunks.append(chunk)
        is_more = message.get("more_body", False)
    return chunks[0] if len(chunks) == 1 else b"".join(chunks)


def _too_large(most: int) -> RequestLimitExceeded:
    return RequestLimitExceeded(
        f"Request limit exceeded: The request body is larger than the maximum of {most} bytes."
    )
