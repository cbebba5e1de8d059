"""Bodies are parsed leniently, bounded, and never crash the parser."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.requests import Request

from stackd.engine.usecases.requests import StackRequest
from stackd.errors import BadRequest, NotSupported, RequestLimitExceeded, TemplateError
from stackd.request_bodies import header, read_body
from stackd.routers.bodies import (
    ChangedStackBody,
    NewStackBody,
    PatchedStackBody,
    TemplateBody,
    parse_body,
)

JSON = "application/json"


def _read(raw: bytes, kind: str = JSON, most: int = 1000, *, required: bool = True, chunk: int = 7) -> Any:
    chunks = [raw[at : at + chunk] for at in range(0, len(raw), chunk)] or [b""]

    async def receive() -> dict[str, Any]:
        body = chunks.pop(0)
        return {"type": "http.request", "body": body, "more_body": bool(chunks)}

    headers = [(b"content-type", kind.encode())] if kind else []
    request = Request({"type": "http", "method": "POST", "headers": headers}, receive)
    return asyncio.run(read_body(request, most, required=required))


@pytest.mark.parametrize("kind", [JSON, "", "text/plain; charset=utf-8", "application/json; x=y"])
def test_object_of_any_json_type_is_read(kind: str) -> None:
    assert _read(b'{"a": 1}', kind) == {"a": 1}


@pytest.mark.parametrize(
    ("raw", "kind"), [(b"", JSON), (b"[1]", JSON), (b' {"a": 1}', JSON), (b'{"a": 1}', "application/x-tar")]
)
def test_anything_else_counts_as_no_body(raw: bytes, kind: str) -> None:
    assert _read(raw, kind, required=False) == {}
    with pytest.raises(BadRequest):
        _read(raw, kind)


def test_first_of_several_headers_of_a_name_counts() -> None:
    scope = {"type": "http", "headers": [(b"a", b"1"), (b"b", b"\xe9"), (b"a", b"2")]}
    assert [header(scope, name) for name in (b"a", b"b", b"c")] == ["1", "é", ""]


def test_body_that_ends_with_the_connection_is_a_bad_request() -> None:
    messages: list[dict[str, Any]] = [
        {"type": "http.request", "body": b"{", "more_body": True},
        {"type": "http.disconnect"},
    ]

    async def receive() -> dict[str, Any]:
        return messages.pop(0)

    request = Request({"type": "http", "method": "POST", "headers": []}, receive)
    with pytest.raises(BadRequest, match="closed before the body had come"):
        asyncio.run(read_body(request, 1000, required=True))


def test_body_is_bounded_while_it_is_read() -> None:
    with pytest.raises(RequestLimitExceeded, match="Request limit exceeded"):
        _read(b'{"a": "' + b"x" * 1000 + b'"}')


@given(st.binary(max_size=60).map(lambda tail: b"{" + tail))
def test_malformed_bodies_are_bad_requests(raw: bytes) -> None:
    try:
        assert isinstance(_read(raw), dict)
    except BadRequest:
        return


_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.floats(allow_nan=False),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=4,
)
_KEYS = [
    "stack_name",
    "template",
    "environment",
    "environment_files",
    "files",
    "parameters",
    "timeout_mins",
    "disable_rollback",
    "tags",
    "converge",
    "clear_parameters",
    "existing",
    "adopt_stack_data",
    "template_url",
]


@given(st.dictionaries(st.sampled_from(_KEYS), _VALUES))
def test_any_values_make_a_request_or_a_bad_request(body: dict[str, Any]) -> None:
    models: list[type[StackRequest]] = [NewStackBody, ChangedStackBody, PatchedStackBody, TemplateBody]
    for model in models:
        try:
            request = parse_body(model, body)
        except (BadRequest, NotSupported, TemplateError):
            continue
        assert request.timeout_mins is None or request.timeout_mins >= 0


@pytest.mark.parametrize(("value", "tags"), [("a,b", ("a", "b")), ("", ("",)), (["x"], ("x",)), (None, None)])
def test_tags_are_words_parted_by_commas(value: Any, tags: Any) -> None:
    assert parse_body(PatchedStackBody, {"tags": value}).tags == tags


def test_numbers_may_be_text() -> None:
    assert parse_body(PatchedStackBody, {"timeout_mins": " 7"}).timeout_mins == 7
    with pytest.raises(BadRequest, match="timeout_mins"):
        parse_body(PatchedStackBody, {"timeout_mins": True})
    with pytest.raises(BadRequest, match="'timeout_mins': at most 2147483647 can be"):
        parse_body(PatchedStackBody, {"timeout_mins": 10**30})


def test_template_that_is_null_means_none_even_beside_a_url() -> None:
    body = json.loads('{"template": null, "template_url": "http://x.test/t", "stack_name": "x"}')
    with pytest.raises(BadRequest, match="No template specified"):
        parse_body(NewStackBody, body)


def test_large_body_is_read_like_a_small_one() -> None:
    body = {"files": {"a": "x" * 70_000}, "text": "grin \N{GRINNING FACE}", "number": 2**70}
    assert _read(json.dumps(body).encode(), most=10**6, chunk=10**6) == body


@pytest.mark.parametrize("number", [2**63, -(2**63) - 1, 2**70, 10**40])
def test_integer_of_any_size_is_read(number: int) -> None:
    assert _read(json.dumps({"a": number}).encode()) == {"a": number}


@pytest.mark.parametrize("tail", ['"\\ud800"', "[", "[" * 60_000, "nothing"])
def test_large_malformed_bodies_are_bad_requests(tail: str) -> None:
    raw = b'{"a": "' + b"x" * 70_000 + b'", "b": ' + tail.encode() + b"}"
    with pytest.raises(BadRequest):
        _read(raw, most=10**6, chunk=10**6)


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (b'{"a": ' + b"9" * 6000 + b"}", "A number of more than 4300 digits is not supported."),
        (b'{"a": ' + b"9" * 20 + b', "b": "\xff"}', "The text is not UTF-8."),
        (b'{"a": "' + b"x" * 70_000 + b'\\ud800"}', "half of a surrogate pair"),
    ],
)
def test_malformed_body_is_told_in_words_for_people(raw: bytes, said: str) -> None:
    with pytest.raises(BadRequest, match=said):
        _read(raw, most=10**6, chunk=10**6)
