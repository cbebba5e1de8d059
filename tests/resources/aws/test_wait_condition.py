"""Wait conditions of CloudFormation and their handles."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import partial
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import pytest

from stackd.resources.heat.addresses import is_signed
from stackd.resources.heat.wait_signals import InvalidHandle, MalformedSignal, WaitConditionTimeout
from tests.support.context import ENDPOINTS, FakeContext

HANDLE, CONDITION = "AWS::CloudFormation::WaitConditionHandle", "AWS::CloudFormation::WaitCondition"
DONE = {"Status": "SUCCESS", "Reason": "done", "UniqueId": "a", "Data": "x"}


async def handle(kind: str = HANDLE, **more: Any) -> FakeContext:
    ctx = FakeContext(kind, name="handle", **more)
    await ctx.type.create(ctx, ctx.props)
    await ctx.type.configure(ctx, ctx.props)
    return ctx


async def waiting(made: FakeContext, **properties: Any) -> FakeContext:
    values = {"Handle": made.type.reference(made.resource), "Timeout": 5} | properties
    ctx = FakeContext(CONDITION, name="wait", properties=values, siblings=[made.resource])
    await ctx.type.create(ctx, ctx.props)
    return ctx


@pytest.mark.parametrize("kind", [HANDLE, "OS::Heat::UpdateWaitConditionHandle"])
async def test_reference_is_a_signed_url_that_stays_the_same_and_goes_with_the_user(kind: str) -> None:
    ctx = await handle(kind)
    url = ctx.type.reference(ctx.resource)
    assert ctx.physical_id == "user-id"
    parts = urlsplit(url)
    query = {name: values[0] for name, values in parse_qs(parts.query).items()}
    given, place = query.pop("Signature"), [(parts.netloc, unquote(parts.path))]
    assert is_signed(given, "secret", "waitcondition", query, place)
    assert not is_signed(given, "secret", "signal", query, place)
    await ctx.type.configure(ctx, ctx.props)
    assert ctx.type.reference(ctx.resource) == url
    await ctx.type.delete(ctx, ctx.props)
    assert ctx.users.own is None


async def test_url_expires_where_the_operator_limits_its_time() -> None:
    ctx = await handle(endpoints=replace(ENDPOINTS, signed_urls_last=3600.0))
    parts = urlsplit(ctx.type.reference(ctx.resource))
    query = {name: values[0] for name, values in parse_qs(parts.query).items()}
    given, place = query.pop("Signature"), [(parts.netloc, unquote(parts.path))]
    assert is_signed(given, "secret", "waitcondition", query, place)
    ctx = await handle(endpoints=replace(ENDPOINTS, signed_urls_last=-1.0))
    parts = urlsplit(ctx.type.reference(ctx.resource))
    query = {name: values[0] for name, values in parse_qs(parts.query).items()}
    assert not is_signed(query.pop("Signature"), "secret", "waitcondition", query, place)


async def test_signals_need_all_four_keys_and_replace_those_of_their_id() -> None:
    ctx = await handle()
    assert await ctx.type.signal(ctx, DONE) == "status:SUCCESS reason:done"
    await ctx.type.signal(ctx, DONE | {"Data": "y"})
    assert ctx.resource.metadata == {"a": {"Status": "SUCCESS", "Reason": "done", "Data": "y"}}
    for wrong in (None, {"Status": "SUCCESS"}, DONE | {"More": 1}, DONE | {"Status": "PERHAPS"}):
        with pytest.raises(MalformedSignal, match="Metadata format invalid"):
            await ctx.type.signal(ctx, wrong)


async def test_condition_waits_for_so_many_signals() -> None:
    made = await handle()
    ctx = await waiting(made, Count=2)
    assert ctx.shown({})["Data"] == "{}"
    for each in (DONE, DONE | {"UniqueId": "b", "Data": "z"}):
        await made.type.signal(made, each)
        ctx.happens.append(partial(ctx.siblings.__setitem__, 0, made.resource))
    await ctx.type.configure(ctx, ctx.props)
    assert json.loads(ctx.shown({})["Data"]) == {"a": "x", "b": "z"}


@pytest.mark.parametrize(
    ("old", "new", "refusal"),
    [
        ("stack-id", "other", "^WaitCondition invalid Handle stack app$"),
        ("project-id", "other", "^WaitCondition invalid Handle tenant other$"),
        ("arn%3A", "arm%3A", '^"http.*" is not a valid ARN URL$'),
        ("/handle?", "/nothing?", "is not a valid wait condition handle"),
    ],
)
async def test_url_of_what_is_no_handle_of_the_stack_is_refused_and_not_shown(
    old: str, new: str, refusal: str
) -> None:
    made = await handle()
    ctx = await waiting(made, Handle=made.type.reference(made.resource).replace(old, new))
    with pytest.raises(InvalidHandle, match=refusal) as raised:
        await ctx.type.configure(ctx, ctx.props)
    assert "Signature=" not in str(raised.value)
    assert raised.value.wire_type == "ValueError"


async def test_a_wait_that_was_interrupted_ends_when_it_would_have() -> None:
    made = await handle()
    ctx = await waiting(made, Timeout=600)
    await ctx.put_data(wait_until="2026-01-01T00:00:00+00:00")
    with pytest.raises(WaitConditionTimeout):
        await ctx.type.configure(ctx, ctx.props)
    assert "wait_until" not in ctx.data


async def test_metadata_of_the_template_is_no_signal() -> None:
    made = await handle(metadata={"owner": "me", "more": {"Status": 1}})
    await made.type.signal(made, DONE)
    assert set(made.resource.metadata) == {"owner", "more", "a"}
    ctx = await waiting(made, Count=2)
    with pytest.raises(WaitConditionTimeout, match=r"^1 of 2 received"):
        await ctx.type.configure(ctx, ctx.props)
