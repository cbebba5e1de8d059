from typing import Any

import pytest

from stackd.errors import PropertyError
from stackd.template.unknown import Unknown
from tests.support.context import FakeContext

KIND = "OS::Neutron::SubnetPool"


@pytest.mark.parametrize(
    ("lengths", "complaint"),
    [
        ({"min_prefixlen": 28, "max_prefixlen": 24}, "min_prefixlen=28, max_prefixlen=24"),
        ({"min_prefixlen": 28, "default_prefixlen": 24}, "min_prefixlen=28, default_prefixlen=24"),
        ({"default_prefixlen": 28, "max_prefixlen": 24}, "default_prefixlen=28, max_prefixlen=24"),
    ],
)
def test_bounds_out_of_order_are_refused(lengths: Any, complaint: str) -> None:
    ctx = FakeContext(KIND, properties={"prefixes": ["10.0.0.0/8"], **lengths})
    with pytest.raises(PropertyError, match=f"Illegal prefix bounds: {complaint}"):
        ctx.type.validate(ctx.props)


@pytest.mark.parametrize("lengths", [{}, {"min_prefixlen": 24, "max_prefixlen": 24}, {"min_prefixlen": 25}])
def test_bounds_in_order_are_accepted(lengths: Any) -> None:
    prefixes = {"prefixes": ["10.0.0.0/8"], "default_prefixlen": Unknown("length")}
    ctx = FakeContext(KIND, properties={**prefixes, **lengths})
    assert ctx.type.validate(ctx.props) is None


async def test_ranges_are_joined_as_the_service_keeps_them() -> None:
    prefixes = ["10.1.0.0/16", "10.0.0.0/16", "2001:db8::/33", "2001:db8:8000::/33", "10.0.3.0/24"]
    ctx = FakeContext(KIND, properties={"prefixes": prefixes})
    ctx.cloud.on("POST", "/subnetpools", {"subnetpool": {"id": "s1"}})
    await ctx.type.create(ctx, ctx.props)
    joined = ctx.cloud.sent("POST")[0]["subnetpool"]["prefixes"]
    assert joined == ["10.0.0.0/15", "2001:db8::/32"]
    wanted, seen = ctx.type.observed(ctx.props, {"prefixes": joined})["prefixes"]
    assert wanted == seen


async def test_what_cannot_be_taken_away_stays() -> None:
    ctx = FakeContext(KIND, physical="s1")
    ctx.cloud.on("PUT", "/subnetpools/s1", {})
    old = {"default_quota": 5, "max_prefixlen": 30, "address_scope": "a1"}
    load = ctx.load
    await ctx.type.update(ctx, load({"prefixes": ["10.0.0.0/8"], **old}), load({"prefixes": ["10.0.0.0/8"]}))
    assert ctx.cloud.sent("PUT") == [{"subnetpool": {"address_scope_id": None}}]
