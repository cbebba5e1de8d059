import json
from dataclasses import replace
from typing import Any

import pytest

from stackd.clients.wire import Reply
from stackd.resources.heat.wait_signals import (
    NATIVE,
    InvalidHandle,
    WaitConditionFailure,
    WaitConditionTimeout,
    merge_all,
)
from tests.support.context import FakeContext, make_resource

KIND = "OS::Heat::WaitCondition"


def condition(
    *signals: Any, transport: str = "TOKEN_SIGNAL", data: Any = None, **properties: Any
) -> FakeContext:
    handle = make_resource(
        "handle",
        "OS::Heat::WaitConditionHandle",
        physical_id="user-id",
        properties={"signal_transport": transport},
        metadata=merge_all(NATIVE, {}, signals),
        data=data or {},
    )
    values = {"handle": "user-id", "timeout": 600} | properties
    return FakeContext(KIND, name="wait", properties=values, siblings=[handle])


def give(ctx: FakeContext, details: Any) -> None:
    handle = ctx.siblings[0]
    ctx.siblings[0] = replace(handle, metadata=merge_all(NATIVE, handle.metadata, [details]))


async def test_it_is_complete_when_enough_signals_came() -> None:
    ctx = condition(count=2)
    ctx.happens += [
        lambda: give(ctx, {"data": "x"}),
        lambda: None,
        lambda: give(ctx, {"id": "b", "data": [1]}),
    ]
    await ctx.type.create(ctx, ctx.props)
    await ctx.type.configure(ctx, ctx.props)
    assert ctx.happens == []
    assert json.loads(ctx.shown({})["data"]) == {"1": "x", "b": [1]}
    assert ctx.type.reference(ctx.resource) == "wait"
    assert ctx.resource.physical_id is None


async def test_its_data_have_what_was_kept_and_what_the_handle_got_since() -> None:
    ctx = condition({"id": "a", "data": 1}, handle="handle")
    read = ctx.type.attributes["data"].read
    assert read is not None
    await ctx.put_data(signals=json.dumps({"fetched": 0, "a": 0}))
    give(ctx, {"id": "b", "data": 2})
    assert json.loads(await read(ctx)) == {"fetched": 0, "a": 1, "b": 2}
    ctx.siblings.clear()
    assert json.loads(await read(ctx)) == {"fetched": 0, "a": 0}


async def test_a_signal_of_failure_fails_it() -> None:
    ctx = condition({"status": "FAILURE", "reason": "disk"}, {"status": "FAILURE", "reason": "net"}, count=1)
    with pytest.raises(WaitConditionFailure, match=r"^disk;net$"):
        await ctx.type.configure(ctx, ctx.props)


async def test_it_fails_when_time_is_up() -> None:
    ctx = condition({"reason": "first"}, count=3, timeout=1)
    with pytest.raises(
        WaitConditionTimeout, match=r"^1 of 3 received - first; waited for 1 s\. .* of handle is"
    ):
        await ctx.type.configure(ctx, ctx.props)


async def test_no_signal_is_not_waited_for() -> None:
    ctx = condition(transport="NO_SIGNAL", count=5)
    await ctx.type.configure(ctx, ctx.props)
    assert ctx.data["signals"] == "{}"


async def test_messages_are_fetched_from_a_queue() -> None:
    login = {"queue_id": "q", "user_id": "u", "password": "p", "project_id": "pr"}
    ctx = condition(transport="ZAQAR_SIGNAL", data={"signal": login}, count=2)
    ctx.cloud.on("POST", "/auth/tokens", Reply(201, {"x-subject-token": "tok"}, None, b""))
    one, two = {"id": "a", "body": {"data": 1}}, {"id": "b", "body": {"data": 2}}
    ctx.cloud.on("GET", "/queues/q/messages", {"messages": []}, {"messages": [one]}, {"messages": [one, two]})
    await ctx.type.configure(ctx, ctx.props)
    assert json.loads(ctx.data["signals"]) == {"1": 1, "2": 2}


async def test_a_new_count_waits_again_and_counts_old_signals() -> None:
    ctx = condition({"data": 1}, count=2)
    ctx.happens.append(lambda: give(ctx, {"data": 2}))
    await ctx.type.update(ctx, ctx.load({**ctx.properties, "count": 1}), ctx.props)
    assert json.loads(ctx.data["signals"]) == {"1": 1, "2": 2}


@pytest.mark.parametrize("reference", ["nothing", "value"])
async def test_only_a_handle_of_the_stack_will_do(reference: Any) -> None:
    ctx = condition(handle=reference)
    ctx.siblings.append(make_resource("value", "OS::Heat::Value"))
    with pytest.raises(InvalidHandle, match=f"{reference} is not a valid wait condition handle."):
        await ctx.type.configure(ctx, ctx.props)
