"""Requests signed as clients of AWS APIs sign them: version 2, and version 4 in a header or in a URL."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from urllib.parse import quote, unquote, urlencode, urlsplit

FORM = "application/x-www-form-urlencoded; charset=utf-8"
_SCOPE = "RegionOne/cloudformation/aws4_request"


@dataclass(frozen=True)
class Key:
    """An access key and its secret."""

    access: str
    secret: str = field(repr=False)


@dataclass(frozen=True)
class Signed:
    """A request that is ready to be sent."""

    method: str
    url: str
    headers: dict[str, str]
    content: bytes = b""


def encoded(params: Mapping[str, str]) -> str:
    """Parameters in the order and encoding that is signed."""
    return urlencode(sorted(params.items()), quote_via=quote, safe="-_~")


def version_2(
    url: str, params: Mapping[str, str], key: Key, verb: str = "GET", at: datetime | None = None
) -> Signed:
    """Signed in the query of a GET, or in the form of a POST; with ``at`` the signature has a time."""
    pairs = dict(params) | {
        "AWSAccessKeyId": key.access,
        "SignatureMethod": "HmacSHA256",
        "SignatureVersion": "2",
    }
    if at is not None:
        pairs["Timestamp"] = at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    place = urlsplit(url)
    text = f"{verb}\n{place.netloc}\n{unquote(place.path)}\n{encoded(pairs)}"
    made = base64.b64encode(hmac.new(key.secret.encode(), text.encode(), hashlib.sha256).digest())
    body = f"{encoded(pairs)}&{urlencode({'Signature': made.decode()})}"
    if verb == "GET":
        return Signed(verb, f"{url}?{body}", {})
    return Signed(verb, url, {"Content-Type": FORM}, body.encode())


def version_4(
    url: str,
    params: Mapping[str, str],
    key: Key,
    at: datetime | None = None,
    *,
    verb: str = "POST",
    content: bytes | None = None,
    content_type: str = FORM,
    headers: Mapping[str, str] | None = None,
) -> Signed:
    """Signed in its header: a form, or the given content; with it more ``headers``."""
    body = encoded(params).encode() if content is None else content
    place, time = urlsplit(url), _time(at)
    more = {name.lower(): value for name, value in (headers or {}).items()}
    fixed = {"content-type": content_type, "host": place.netloc, "x-amz-date": time}
    lines = dict(sorted((fixed | more).items()))
    made = _made(verb, place.path, "", lines, hashlib.sha256(body).hexdigest(), key, time)
    sent = {
        **(headers or {}),
        "Content-Type": content_type,
        "X-Amz-Date": time,
        "Authorization": f"AWS4-HMAC-SHA256 Credential={key.access}/{time[:8]}/{_SCOPE}, "
        f"SignedHeaders={';'.join(lines)}, Signature={made}",
    }
    return Signed(verb, url, sent, body)


def presigned(
    url: str, params: Mapping[str, str], key: Key, at: datetime | None = None, expires: int = 300
) -> Signed:
    """A URL that is signed in version 4."""
    place, time = urlsplit(url), _time(at)
    pairs = dict(params) | {
        "X-Amz-Algorithm": "AWS4-HMAC-SHA256",
        "X-Amz-Credential": f"{key.access}/{time[:8]}/{_SCOPE}",
        "X-Amz-Date": time,
        "X-Amz-Expires": str(expires),
        "X-Amz-SignedHeaders": "host",
    }
    empty = hashlib.sha256(b"").hexdigest()
    made = _made("GET", place.path, encoded(pairs), {"host": place.netloc}, empty, key, time)
    return Signed("GET", f"{url}?{encoded(pairs)}&X-Amz-Signature={made}", {})


def _time(at: datetime | None) -> str:
    return (at or datetime.now(UTC)).astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")


def _made(
    verb: str, path: str, query: str, headers: Mapping[str, str], body_hash: str, key: Key, time: str
) -> str:
    lines = "".join(f"{name}:{value}\n" for name, value in headers.items())
    canonical = f"{verb}\n{path}\n{query}\n{lines}\n{';'.join(headers)}\n{body_hash}"
    scope = f"{time[:8]}/{_SCOPE}"
    text = f"AWS4-HMAC-SHA256\n{time}\n{scope}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
    secret = f"AWS4{key.secret}".encode()
    for part in scope.split("/"):
        secret = hmac.new(secret, part.encode(), hashlib.sha256).digest()
    return hmac.new(secret, text.encode(), hashlib.sha256).hexdigest()
