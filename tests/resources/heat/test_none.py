from tests.support.context import FakeContext


async def test_none_makes_an_id_and_calls_nothing() -> None:
    ctx = FakeContext("OS::Heat::None")
    await ctx.type.create(ctx, ctx.props)
    first = ctx.physical_id
    await ctx.type.delete(ctx, ctx.props)
    await ctx.type.create(ctx, ctx.props)
    assert ctx.physical_id != first
    assert ctx.type.any_properties
    assert ctx.cloud.calls == []
