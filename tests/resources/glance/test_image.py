from stackd.resources.registry import load_registry
from tests.support.context import FakeContext

KIND = "OS::Glance::Image"


async def test_retired_type_takes_anything_and_asks_nobody() -> None:
    ctx = FakeContext(KIND)
    await ctx.type.create(ctx, ctx.props)
    await ctx.type.delete(ctx, ctx.props)
    assert ctx.physical_id
    assert ctx.type.any_properties
    assert ctx.cloud.calls == []


def test_retired_types_are_not_listed() -> None:
    listed = set(load_registry().matching())
    assert not listed & {KIND, "OS::Nova::FloatingIP", "OS::Nova::FloatingIPAssociation"}
