from typing import Any

import pytest

from stackd.errors import ActionTimedOut, ResourceFailure
from tests.support.context import FakeContext

KIND = "OS::Heat::TestResource"


async def test_it_is_made_and_waits() -> None:
    ctx = FakeContext(KIND, properties={"wait_secs": 3})
    await ctx.type.create(ctx, ctx.props)
    assert ctx.physical_id == ctx.physical_name
    assert ctx.slept == []
    await ctx.type.configure(ctx, ctx.props)
    await ctx.type.delete(ctx, ctx.props)
    assert ctx.slept == [3, 3]


async def test_actions_have_their_own_waiting_times() -> None:
    ctx = FakeContext(
        KIND, physical="x", properties={"wait_secs": 3, "action_wait_secs": {"create": 1, "delete": 0}}
    )
    await ctx.type.configure(ctx, ctx.props)
    await ctx.type.update(ctx, ctx.load({}), ctx.props)
    await ctx.type.update(ctx, ctx.load({}), ctx.load({"value": "new", "wait_secs": 3}))
    await ctx.type.delete(ctx, ctx.props)
    assert ctx.slept == [1, 3]


async def test_a_failing_one_has_no_id() -> None:
    ctx = FakeContext(KIND, properties={"fail": True, "wait_secs": 2})
    with pytest.raises(ResourceFailure, match="Test Resource failed thing"):
        await ctx.type.create(ctx, ctx.props)
    assert ctx.resource.physical_id is None
    assert ctx.slept == [2]


async def test_an_update_fails_when_told_to() -> None:
    ctx = FakeContext(KIND, physical="x")
    with pytest.raises(ResourceFailure):
        await ctx.type.update(ctx, ctx.load({}), ctx.load({"fail": True}))


async def test_it_waits_for_ever_until_the_deadline() -> None:
    ctx = FakeContext(KIND, properties={"wait_secs": -1})
    with pytest.raises(ActionTimedOut):
        await ctx.type.configure(ctx, ctx.props)


async def test_it_calls_a_service_while_it_waits() -> None:
    properties = {"wait_secs": -1, "client_name": "compute", "entity_name": "servers"}
    ctx = FakeContext(KIND, properties=properties)
    ctx.cloud.on("GET", "/servers", {"servers": []})
    with pytest.raises(ActionTimedOut):
        await ctx.type.configure(ctx, ctx.props)
    assert ctx.cloud.calls[0].service == "compute"


@pytest.mark.parametrize(
    ("new", "replaced"),
    [
        ({"value": "b", "update_replace": True}, True),
        ({"value": "b"}, False),
        ({"update_replace": True}, False),
    ],
)
def test_a_new_value_replaces_when_told_to(new: Any, replaced: Any) -> None:
    ctx = FakeContext(KIND)
    old = ctx.load({})
    props = ctx.load(new)
    assert bool(ctx.type.needs_replace(old, props, props.changed(old))) is replaced


async def test_the_attribute_is_the_value() -> None:
    ctx = FakeContext(KIND, physical="x", properties={"value": "v"})
    assert await ctx.attribute("output") == "v"


async def test_check_wants_an_id() -> None:
    ctx = FakeContext(KIND)
    with pytest.raises(ResourceFailure):
        await ctx.type.check(ctx, ctx.props)
    await ctx.created("x")
    await ctx.type.check(ctx, ctx.props)
