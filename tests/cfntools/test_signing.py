"""Signatures are those that the AWS SDK makes, and that of a changed request is another."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stackd_cfntools.signing import (
    FORM,
    Key,
    Scope,
    canonical_query,
    escaped,
    host_of,
    path_of,
    signed_headers,
    signed_query,
)

VECTORS: dict[str, Any] = json.loads((Path(__file__).parent / "data" / "signatures.json").read_text())
KEY = Key(VECTORS["access"], VECTORS["secret"])
MOMENT, STAMP = "20240131T235959Z", "2024-01-31T23:59:59Z"


@pytest.mark.parametrize("case", VECTORS["version_4"], ids=lambda case: f"{case['url']}-{case['service']}")
def test_header_of_version_4_is_the_sdks(case: dict[str, str]) -> None:
    scope = Scope(case["region"], case["service"])
    headers = signed_headers(
        "POST", case["url"], {"Content-Type": FORM}, case["body"].encode(), KEY, scope, MOMENT
    )
    assert headers["authorization"] == case["authorization"]
    assert headers["x-amz-date"] == MOMENT


@pytest.mark.parametrize("case", VECTORS["store"], ids=lambda case: str(case["url"]))
def test_download_from_an_object_store_is_signed_as_the_sdk_does(case: dict[str, str]) -> None:
    headers = signed_headers("GET", case["url"], {}, b"", KEY, Scope("nova", "s3"), MOMENT)
    assert headers["authorization"] == case["authorization"]


@pytest.mark.parametrize(
    "case", VECTORS["version_2"], ids=lambda case: f"{case['url']}-{len(case['params'])}"
)
def test_query_of_version_2_is_the_sdks(case: dict[str, Any]) -> None:
    assert signed_query("POST", case["url"], case["params"], KEY, STAMP) == case["signed"]


def test_query_without_a_timestamp_does_not_expire() -> None:
    assert "Timestamp" not in signed_query("GET", "http://h/v1/", {"Action": "A"}, KEY)


@given(st.dictionaries(st.text(), st.text(), max_size=5))
def test_canonical_query_keeps_every_parameter(params: dict[str, str]) -> None:
    found = parse_qsl(canonical_query(params), keep_blank_values=True, strict_parsing=bool(params))
    assert dict(found) == params


@given(st.text())
def test_escaped_text_has_unreserved_characters_only(text: str) -> None:
    made = escaped(text)
    assert unquote(made) == text
    assert all(each.isascii() and (each.isalnum() or each in "-_.~%") for each in made)


@given(st.dictionaries(st.text(min_size=1), st.text(), min_size=1, max_size=4), st.data())
def test_any_other_value_has_another_signature(params: dict[str, str], data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(sorted(params)))
    changed = dict(params, **{name: params[name] + "x"})
    first = signed_query("POST", "http://h:1/v1/", params, KEY, STAMP)
    assert signed_query("POST", "http://h:1/v1/", changed, KEY, STAMP)["Signature"] != first["Signature"]


def test_host_is_signed_with_its_port_and_without_a_user() -> None:
    assert host_of("https://user:pass@Heat.example.com:8000/v1") == "Heat.example.com:8000"
    assert (path_of("http://h:8000"), path_of("http://h/v1/")) == ("/", "/v1/")
