from typing import Any

import pytest

from stackd.errors import PropertyError
from tests.support.context import FakeContext

KIND = "OS::Neutron::RouterInterface"


@pytest.mark.parametrize(
    ("properties", "body", "physical_id"),
    [
        ({"router": "r1", "subnet": "s1"}, {"subnet_id": "s1"}, "r1:subnet_id=s1"),
        ({"router_id": "r1", "subnet_id": "s1"}, {"subnet_id": "s1"}, "r1:subnet_id=s1"),
        ({"router": "r1", "port": "p1"}, {"port_id": "p1"}, "r1:port_id=p1"),
        ({"router_id": "r1", "port_id": "p1"}, {"port_id": "p1"}, "r1:port_id=p1"),
    ],
)
async def test_interface_is_added_and_removed(properties: Any, body: Any, physical_id: Any) -> None:
    ctx = FakeContext(KIND, properties=properties)
    ctx.cloud.on("PUT", "/routers/r1/add_router_interface", {"id": "r1", "port_id": "p9"})
    ctx.cloud.on("PUT", "/routers/r1/remove_router_interface", {})
    await ctx.type.create(ctx, ctx.props)
    assert ctx.physical_id == physical_id
    await ctx.type.delete(ctx, ctx.props)
    assert ctx.cloud.sent("PUT") == [body, body]


@pytest.mark.parametrize(
    ("target", "query", "physical_id"),
    [
        ({"subnet": "s1"}, {"fixed_ips": "subnet_id=s1"}, "r1:subnet_id=s1"),
        ({"port": "p1"}, {"id": "p1"}, "r1:port_id=p1"),
    ],
)
async def test_interrupted_creation_is_found_by_its_port(target: Any, query: Any, physical_id: Any) -> None:
    ctx = FakeContext(KIND, properties={"router": "r1", **target})
    ctx.cloud.on("GET", "/ports", {"ports": [{"id": "p9", "created_at": "now"}]}, {"ports": []})
    assert await ctx.type.find(ctx, ctx.props) == [{"id": physical_id, "created_at": "now"}]
    assert ctx.cloud.calls[0].params == {"device_id": "r1", **query}
    assert await ctx.type.find(ctx, ctx.props) == []


@pytest.mark.parametrize("targets", [{}, {"subnet": "s", "port": "p"}])
def test_needs_either_subnet_or_port(targets: Any) -> None:
    ctx = FakeContext(KIND, properties={"router": "r", **targets})
    with pytest.raises(PropertyError, match="subnet, port"):
        ctx.type.validate(ctx.props)
