"""Signatures of requests: version 2, which is part of the query, and version 4, which is a header."""

import base64
import hashlib
import hmac
from typing import Dict, Mapping, NamedTuple
from urllib.parse import quote, urlsplit

ALGORITHM = "AWS4-HMAC-SHA256"
FORM = "application/x-www-form-urlencoded; charset=utf-8"


class Key(NamedTuple):
    """An access key and its secret."""

    access: str
    secret: str


class Scope(NamedTuple):
    """What a signature of version 4 is for."""

    region: str
    service: str


def escaped(text: str) -> str:
    """A text as signatures have it: only unreserved characters stay as they are."""
    return quote(text, safe="-_.~")


def canonical_query(params: Mapping[str, str]) -> str:
    """The parameters sorted and escaped, the same form on both sides."""
    pairs = sorted((escaped(name), escaped(value)) for name, value in params.items())
    return "&".join("{}={}".format(name, value) for name, value in pairs)


def host_of(url: str) -> str:
    """The host of a URL as it is signed and sent: with its port, without a user."""
    return urlsplit(url).netloc.rpartition("@")[2]


def path_of(url: str) -> str:
    """The path of a URL; never empty."""
    return urlsplit(url).path or "/"


def signed_query(
    verb: str, url: str, params: Mapping[str, str], key: Key, timestamp: str = ""
) -> Dict[str, str]:
    """The parameters with a signature of version 2, made over the host and path of the URL."""
    given = dict(params, AWSAccessKeyId=key.access, SignatureVersion="2", SignatureMethod="HmacSHA256")
    if timestamp:
        given["Timestamp"] = timestamp
    text = "\n".join([verb, host_of(url), path_of(url), canonical_query(given)])
    digest = hmac.new(key.secret.encode(), text.encode(), hashlib.sha256).digest()
    return dict(given, Signature=base64.b64encode(digest).decode())


def signed_headers(
    verb: str, url: str, headers: Mapping[str, str], body: bytes, key: Key, scope: Scope, moment: str
) -> Dict[str, str]:
    """The headers with a signature of version 4, at a moment such as 20240131T235959Z. No query."""
    payload = hashlib.sha256(body).hexdigest()
    given = {name.lower(): value for name, value in headers.items()}
    given.update({"host": host_of(url).lower(), "x-amz-date": moment})
    if scope.service == "s3":
        given["x-amz-content-sha256"] = payload
    names = ";".join(sorted(given))
    lines = ["{}:{}".format(name, " ".join(given[name].split())) for name in sorted(given)]
    canonical = "\n".join([verb, path_of(url), "", *lines, "", names, payload])
    within = "/".join([moment[:8], scope.region, scope.service, "aws4_request"])
    text = "\n".join([ALGORITHM, moment, within, hashlib.sha256(canonical.encode()).hexdigest()])
    signature = hmac.new(_signing_key(key.secret, within), text.encode(), hashlib.sha256).hexdigest()
    given["authorization"] = "{} Credential={}/{}, SignedHeaders={}, Signature={}".format(
        ALGORITHM, key.access, within, names, signature
    )
    return given


def _signing_key(secret: str, within: str) -> bytes:
    made = ("AWS4" + secret).encode()
    for part in within.split("/"):
        made = hmac.new(made, part.encode(), hashlib.sha256).digest()
    return made
