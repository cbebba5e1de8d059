"""Credentials for downloads go to the URLs that they are for."""

from __future__ import annotations

from typing import Any

import pytest

from stackd_cfntools.errors import ToolError
from stackd_cfntools.init.authentication import Authentication

BASIC = {"type": "basic", "username": "u", "password": "p", "uris": ["https://h/private", "http://h:8080"]}
STORE = {"type": "S3", "accessKeyId": "AK", "secretKey": "SK", "buckets": ["mine"]}


def headers(url: str, name: str | None = None, **entries: Any) -> dict[str, str]:
    return Authentication(entries or {"basic": BASIC, "store": STORE}, "nova", lambda: 0.0).headers(url, name)


@pytest.mark.parametrize("url", ["https://h/private", "https://h/private/x", "http://h:8080/any"])
def test_url_below_a_named_one_has_the_password(url: str) -> None:
    assert headers(url) == {"Authorization": "Basic dTpw"}


@pytest.mark.parametrize(
    "url", ["https://h/privateer", "http://h/private", "https://h.evil.com/private", "https://h/other"]
)
def test_other_urls_have_none(url: str) -> None:
    assert headers(url) == {}


@pytest.mark.parametrize(
    "url", ["https://store/mine/key", "https://mine.store/key", "https://store/v1/mine/key"]
)
def test_bucket_is_signed_for(url: str) -> None:
    made = headers(url)
    assert made["authorization"].startswith("AWS4-HMAC-SHA256 Credential=AK/19700101/nova/s3/aws4_request")


def test_named_entry_is_used_whatever_the_url() -> None:
    assert headers("https://elsewhere/", "basic") == {"Authorization": "Basic dTpw"}


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ({"type": "basic", "username": "u"}, "needs password"),
        ({"type": "S3", "accessKeyId": "a"}, "needs secretKey"),
        ({"type": "kerberos"}, "there are basic and S3"),
    ],
)
def test_mistakes_are_named(entry: dict[str, str], message: str) -> None:
    with pytest.raises(ToolError, match=message):
        headers("https://h/", "x", x=entry)
