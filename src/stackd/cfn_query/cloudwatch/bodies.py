"""Bodies of requests: as they came, which is what is signed, and decompressed, which is what is read."""

from __future__ import annotations

import zlib

from starlette.requests import Request

from stackd.cfn_query.codes import Code, Refused
from stackd.cfn_query.front import front_of
from stackd.errors import RequestLimitExceeded
from stackd.offload import parsed
from stackd.request_bodies import receive

_GZIP = 16 + zlib.MAX_WBITS
_BAD_ENCODING = Code("SerializationException", 400, "The body of the request is not compressed as it says.")


async def raw_body(request: Request) -> bytes:
    """The body as it came."""
    return await receive(request, _most(request)) if request.method == "POST" else b""


async def plain_body(request: Request, raw: bytes) -> bytes:
    """The body without its compression."""
    encoding = request.headers.get("content-encoding", "").strip().lower()
    if encoding in ("", "identity", "aws-chunked"):
        return raw
    if encoding != "gzip":
        raise Refused(_BAD_ENCODING)
    plain: bytes = await parsed(4 * len(raw), _gunzip, raw, _most(request))
    return plain


def _most(request: Request) -> int:
    return front_of(request).settings.metrics.max_body_size


def _gunzip(raw: bytes, most: int) -> bytes:
    plain = zlib.decompressobj(_GZIP)
    try:
        found = plain.decompress(raw, most + 1)
    except zlib.error:
        raise Refused(_BAD_ENCODING) from None
    if len(found) > most:
        raise RequestLimitExceeded(f"The request body is larger than {most} bytes when it is decompressed.")
    if not plain.eof:
        raise Refused(_BAD_ENCODING)
    return found
