"""Types of Heat that touch no cloud: policies, delays and others."""

from __future__ import annotations

import pytest

from stackd.engine.validation.findings import findings
from stackd.errors import ResourceFailure
from stackd.resources.registry import load_registry
from tests.support.context import FakeContext
from tests.support.templates import hot

REGISTRY = load_registry()


def test_policy_names_resources_of_its_stack() -> None:
    def of(*names: str) -> list[str]:
        policy = {"type": "OS::Heat::AccessPolicy", "properties": {"AllowedResources": list(names)}}
        found = findings(hot({"policy": policy, "other": {"type": "OS::Heat::None"}}), registry=REGISTRY)
        return [each.message for each in found.errors]

    assert of("other", "policy") == []
    assert of("other", "nobody") == ["AccessPolicy resource nobody not in stack"]


async def test_policy_makes_nothing() -> None:
    ctx = FakeContext("OS::Heat::AccessPolicy", properties={"AllowedResources": []})
    await ctx.type.create(ctx, ctx.props)
    assert ctx.resource.physical_id is None
    assert ctx.type.reference(ctx.resource) == "thing"


async def test_delay_waits_by_its_actions_for_a_time_within_its_bounds() -> None:
    for at, (low, high) in enumerate([(10, 10), (10, 30)]):
        given = {"min_wait": 10, "max_jitter": 10 * at, "jitter_multiplier": 2}
        ctx = FakeContext("OS::Heat::Delay", properties=given | {"actions": ["CREATE", "RESUME"]})
        await ctx.type.create(ctx, ctx.props)
        for each in ("configure", "delete", "suspend", "resume"):
            await getattr(ctx.type, each)(ctx, ctx.props)
        assert len(ctx.slept) == 2
        assert all(low <= each <= high for each in ctx.slept)
        assert ctx.data == {"made": True}
        assert ctx.resource.physical_id is None


async def test_interrupted_delay_waits_for_what_was_left() -> None:
    ctx = FakeContext("OS::Heat::Delay", properties={"min_wait": 10})
    await ctx.put_data(create_until="2026-01-01T00:00:00+00:00")
    await ctx.type.configure(ctx, ctx.props)
    assert ctx.slept == [0.0]


async def test_delay_that_is_longer_than_its_stack_may_take_fails_at_once() -> None:
    ctx = FakeContext("OS::Heat::Delay", properties={"min_wait": 1800, "max_jitter": 1801})
    with pytest.raises(ResourceFailure, match="may be 3601 s, but the stack has 3600 s"):
        await ctx.type.create(ctx, ctx.props)
