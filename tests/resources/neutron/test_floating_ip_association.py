from typing import Any

from tests.support.context import FakeContext, gone

KIND = "OS::Neutron::FloatingIPAssociation"
BASE = {"floatingip_id": "f1", "port_id": "p1"}


def context(properties: Any = BASE, *, holder: str = "p1", physical: str | None = "thing-uuid") -> Any:
    ctx = FakeContext(KIND, properties=properties, physical=physical)
    ctx.cloud.on("GET", "/floatingips/f1", {"floatingip": {"id": "f1", "port_id": holder}})
    ctx.cloud.on("PUT", "/floatingips/f1", {}).on("PUT", "/floatingips/f2", {})
    return ctx


async def test_association_has_our_own_id() -> None:
    ctx = context(physical=None)
    await ctx.type.create(ctx, ctx.props)
    assert ctx.physical_id == ctx.resource.id
    assert ctx.cloud.sent("PUT") == [{"floatingip": {"port_id": "p1", "fixed_ip_address": None}}]


async def test_delete_releases_the_address() -> None:
    ctx = context()
    await ctx.type.delete(ctx, ctx.props)
    assert ctx.cloud.sent("PUT", "/floatingips/f1") == [{"floatingip": {"port_id": None}}]


async def test_delete_leaves_an_address_that_reaches_another_port() -> None:
    ctx = context(holder="p2")
    await ctx.type.delete(ctx, ctx.props)
    assert ctx.cloud.asked() == []


async def test_delete_is_content_when_the_address_is_gone() -> None:
    ctx = context()
    ctx.cloud.on("GET", "/floatingips/f1", gone())
    await ctx.type.delete(ctx, ctx.props)
    assert ctx.cloud.asked() == []


async def test_other_address_is_taken_after_the_former_is_released() -> None:
    ctx = context()
    await ctx.type.update(ctx, ctx.props, ctx.load({**BASE, "floatingip_id": "f2"}))
    assert ctx.cloud.asked() == [("PUT", "/floatingips/f1"), ("PUT", "/floatingips/f2")]
    assert ctx.cloud.sent("PUT", "/floatingips/f2") == [
        {"floatingip": {"port_id": "p1", "fixed_ip_address": None}}
    ]


async def test_other_port_is_reached_at_once() -> None:
    ctx = context()
    new = {**BASE, "port_id": "p2", "fixed_ip_address": "10.0.0.5"}
    await ctx.type.update(ctx, ctx.props, ctx.load(new))
    assert ctx.cloud.sent("PUT") == [{"floatingip": {"port_id": "p2", "fixed_ip_address": "10.0.0.5"}}]


async def test_update_without_a_difference_asks_nothing() -> None:
    ctx = context()
    await ctx.type.update(ctx, ctx.props, ctx.props)
    assert ctx.cloud.calls == []
