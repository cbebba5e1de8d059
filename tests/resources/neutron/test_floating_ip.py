from typing import Any

import pytest

from stackd.errors import PropertyError
from tests.support.context import FakeContext

KIND = "OS::Neutron::FloatingIP"
NET = {"floating_network": "n0"}


async def updated(old: Any, new: Any) -> list[Any]:
    ctx = FakeContext(KIND, physical="f1")
    ctx.cloud.on("PUT", "/floatingips/f1", {})
    await ctx.type.update(ctx, ctx.load(NET | old), ctx.load(NET | new))
    return [body["floatingip"] for body in ctx.cloud.sent("PUT")]


async def test_address_is_marked_with_our_name() -> None:
    ctx = FakeContext(
        KIND, properties={"floating_network_id": "n0", "floating_subnet": "s0", "port_id": None}
    )
    ctx.cloud.on("POST", "/floatingips", {"floatingip": {"id": "f1"}})
    await ctx.type.create(ctx, ctx.props)
    assert ctx.physical_id == "f1"
    assert ctx.cloud.sent("POST")[0]["floatingip"] == {
        "description": ctx.physical_name,
        "floating_network_id": "n0",
        "subnet_id": "s0",
    }


@pytest.mark.parametrize(
    ("value_specs", "mark"), [({}, "app-thing-abcdefghijkl"), ({"description": "mine"}, "mine")]
)
async def test_interrupted_creation_is_found_by_the_mark(value_specs: Any, mark: Any) -> None:
    ctx = FakeContext(KIND, properties={**NET, "value_specs": value_specs})
    ctx.cloud.on("POST", "/floatingips", {"floatingip": {"id": "f1"}})
    found = {"id": "f1", "description": mark}
    ctx.cloud.on("GET", "/floatingips", {"floatingips": [found]})
    await ctx.type.create(ctx, ctx.props)
    assert await ctx.type.find(ctx, ctx.props) == [found]
    assert ctx.cloud.sent("POST")[0]["floatingip"]["description"] == mark
    assert ctx.cloud.calls[1].params == {"floating_network_id": "n0", "description": mark}


async def test_port_and_inner_address_are_updated_together() -> None:
    assert await updated({"port_id": "p1", "fixed_ip_address": "10.0.0.5"}, {"port_id": "p2"}) == [
        {"port_id": "p2", "fixed_ip_address": None}
    ]
    assert await updated({"port_id": "p1"}, {"port_id": "p1", "fixed_ip_address": "10.0.0.5"}) == [
        {"port_id": "p1", "fixed_ip_address": "10.0.0.5"}
    ]
    assert await updated({"port_id": "p1"}, {}) == [{"port_id": None, "fixed_ip_address": None}]


async def test_dns_names_are_updated_alone() -> None:
    assert await updated({"dns_domain": "a."}, {"dns_name": "b"}) == [{"dns_name": "b", "dns_domain": ""}]


async def test_what_associations_change_is_read_anew() -> None:
    ctx = FakeContext(KIND, physical="f1", properties=NET)
    ctx.cloud.on("GET", "/floatingips/f1", {"floatingip": {"port_id": "p1", "fixed_ip_address": "10.0.0.5"}})
    assert await ctx.attribute("port_id") == "p1"
    assert await ctx.attribute("fixed_ip_address") == "10.0.0.5"


def test_inner_address_needs_a_port() -> None:
    ctx = FakeContext(KIND, properties={**NET, "fixed_ip_address": "10.0.0.5"})
    with pytest.raises(PropertyError, match="port_id"):
        ctx.type.validate(ctx.props)
