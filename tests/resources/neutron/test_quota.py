from typing import Any

import pytest

from stackd.errors import PropertyError
from tests.support.context import FakeContext

KIND = "OS::Neutron::Quota"
GIVEN = {"project": "p1", "network": 5, "port": -1}


def with_quotas(**others: Any) -> FakeContext:
    ctx = FakeContext(KIND, properties=GIVEN, **others)
    ctx.cloud.on("PUT", "/quotas/p1", {})
    ctx.cloud.on("DELETE", "/quotas/p1")
    return ctx


async def test_quotas_are_set_changed_and_reset() -> None:
    ctx = with_quotas()
    await ctx.type.create(ctx, ctx.props)
    assert ctx.physical_id == "p1"
    await ctx.type.update(ctx, ctx.props, ctx.load({"project": "p1", "port": 0}))
    await ctx.type.delete(ctx, ctx.props)
    assert ctx.cloud.sent("PUT") == [{"quota": {"network": 5, "port": -1}}, {"quota": {"port": 0}}]
    assert ctx.cloud.asked()[-1] == ("DELETE", "/quotas/p1")


@pytest.mark.parametrize(("network", "is_found"), [(5, True), (100, False)])
async def test_interrupted_creation_is_found_if_the_limits_are_set(network: int, is_found: bool) -> None:
    ctx = with_quotas()
    ctx.cloud.on("GET", "/quotas/p1", {"quota": {"network": network, "port": -1, "router": 10}})
    assert await ctx.type.find(ctx, ctx.props) == ([{"id": "p1"}] if is_found else [])


def test_one_limit_is_needed() -> None:
    ctx = FakeContext(KIND, properties={"project": "p1"})
    with pytest.raises(PropertyError, match="At least one"):
        ctx.type.validate(ctx.props)
