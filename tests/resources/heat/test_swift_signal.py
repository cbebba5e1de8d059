"""Waiting for signals in Swift: what is no signal, too large, or too late."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from stackd.clients.wire import Reply
from stackd.errors import PropertyError, ResourceFailure
from stackd.resources.heat.wait_signals import SwiftSignalFailure, SwiftSignalTimeout, UnknownStatus
from tests.support.context import FakeContext

URL = "https://swift.test/v1/AUTH_p/stack-id/app-handle-x?temp_url_sig=s&temp_url_expires=9"


def waiting(objects: Mapping[str, Any], **more: Any) -> FakeContext:
    """A wait with what the objects have in them; a text stands for itself."""
    ctx = FakeContext("OS::Heat::SwiftSignal", properties={"handle": URL, "timeout": 3} | more)
    texts = {name: each if isinstance(each, str) else json.dumps(each) for name, each in objects.items()}
    ctx.cloud.on("GET", "/stack-id", [{"name": each, "bytes": len(text)} for each, text in texts.items()])
    for name, text in texts.items():
        ctx.cloud.on("GET", f"/stack-id/{name}", Reply(200, {}, None, text.encode()))
    return ctx


async def test_older_versions_are_read_once_and_what_is_no_signal_is_left_out() -> None:
    old = "00capp-handle-x"
    objects = {f"{old}/1": "in progress", f"{old}/2": [1], f"{old}/3": {"id": "a", "more": 1}, "other": {}}
    ctx = waiting(objects | {"app-handle-x": {"data": 5}}, count=3)
    with pytest.raises(SwiftSignalTimeout, match=r"^2 of 3 received"):
        await ctx.type.configure(ctx, ctx.props)
    read = [path for _, path in ctx.cloud.asked("GET")]
    assert read.count(f"/stack-id/{old}/3") == 1 < read.count("/stack-id/app-handle-x")
    assert "/stack-id/other" not in read
    assert ctx.shown({}) == {"data": "{}"}


async def test_unknown_status_is_a_failure() -> None:
    ctx = waiting({"app-handle-x": {"status": "PERHAPS"}})
    with pytest.raises(UnknownStatus, match=r"^Unknown status: PERHAPS$") as raised:
        await ctx.type.configure(ctx, ctx.props)
    assert raised.value.wire_type == "Error"
    ctx = waiting({"app-handle-x": {"status": "FAILURE", "reason": "bad"}})
    with pytest.raises(SwiftSignalFailure, match=r"^bad$"):
        await ctx.type.configure(ctx, ctx.props)


async def test_signals_that_are_too_large_are_not_read() -> None:
    ctx = waiting({"app-handle-x": "x" * 2000})
    ctx.limits = {"max_json_body_size": 1000}
    with pytest.raises(ResourceFailure, match="larger than 1000 bytes together"):
        await ctx.type.configure(ctx, ctx.props)


async def test_handle_must_be_the_url_of_an_object_and_its_signature_is_not_shown() -> None:
    ctx = waiting({}, handle="https://swift.test/v1/AUTH_p/?temp_url_sig=secret")
    with pytest.raises(PropertyError, match="is not a valid SwiftSignalHandle") as raised:
        ctx.type.validate(ctx.props)
    assert "secret" not in str(raised.value)
