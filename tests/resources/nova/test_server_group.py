from typing import Any

import pytest

from tests.support.context import FakeContext

KIND = "OS::Nova::ServerGroup"


@pytest.mark.parametrize(
    ("properties", "sent"),
    [
        ({}, {"name": "app-thing-abcdefghijkl", "policy": "anti-affinity"}),
        (
            {"name": "g", "policies": ["soft-affinity"], "rules": {"max_server_per_host": 2}},
            {"name": "g", "policy": "soft-affinity", "rules": {"max_server_per_host": 2}},
        ),
    ],
)
async def test_a_group_has_one_policy(properties: Any, sent: Any) -> None:
    ctx = FakeContext(KIND, properties=properties)
    ctx.cloud.on("POST", "/os-server-groups", {"server_group": {"id": "g1"}})
    await ctx.type.create(ctx, ctx.props)
    assert ctx.cloud.sent("POST") == [{"server_group": sent}]
    assert ctx.physical_id == "g1"
    assert not ctx.type.broken({"id": "g1"})
