from typing import Any

import pytest

from stackd.errors import PropertyError
from tests.support.context import FakeContext

KIND = "OS::Neutron::RouterGateway"


def leading_to(network: str | None, **others: Any) -> FakeContext:
    ctx = FakeContext(KIND, **others)
    gateway = {"network_id": network, "enable_snat": True} if network else None
    ctx.cloud.on("GET", "/routers/r1", {"router": {"id": "r1", "external_gateway_info": gateway}})
    ctx.cloud.on("PUT", "/routers/r1", {})
    return ctx


@pytest.mark.parametrize("name", ["network", "network_id"])
async def test_gateway_is_set(name: str) -> None:
    ctx = leading_to(None, properties={"router_id": "r1", name: "n0"})
    await ctx.type.create(ctx, ctx.props)
    assert ctx.physical_id == "r1:n0"
    assert ctx.cloud.sent("PUT") == [{"router": {"external_gateway_info": {"network_id": "n0"}}}]


@pytest.mark.parametrize(("network", "found"), [("n0", [{"id": "r1:n0"}]), ("n1", []), (None, [])])
async def test_interrupted_creation_is_found_by_where_the_router_leads(network: Any, found: Any) -> None:
    ctx = leading_to(network, properties={"router_id": "r1", "network": "n0"})
    assert await ctx.type.find(ctx, ctx.props) == found


@pytest.mark.parametrize(
    ("network", "sent"), [("n0", [{"router": {"external_gateway_info": {}}}]), ("n1", []), (None, [])]
)
async def test_only_its_own_gateway_is_taken_away(network: Any, sent: Any) -> None:
    ctx = leading_to(network, physical="r1:n0", properties={"router_id": "r1", "network": "n0"})
    await ctx.type.delete(ctx, ctx.props)
    assert ctx.cloud.sent("PUT") == sent


def test_network_is_needed() -> None:
    ctx = FakeContext(KIND, properties={"router_id": "r1"})
    with pytest.raises(PropertyError, match="network"):
        ctx.type.validate(ctx.props)
