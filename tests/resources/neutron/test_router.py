from typing import Any

import pytest

from stackd.errors import PropertyError
from stackd.resources.follows import Sibling
from stackd.template.unknown import Unknown
from tests.support.context import FakeContext, among, followed

KIND = "OS::Neutron::Router"
FINDS = {("neutron.network", "public"): "n0"}


async def updated(old: Any, new: Any, script: Any = None, **options: Any) -> Any:
    ctx = FakeContext(KIND, physical="r1", **options)
    ctx.cloud.on("PUT", "/routers/r1", {})
    for (method, path), answer in (script or {}).items():
        ctx.cloud.on(method, path, answer)
    await ctx.type.update(ctx, ctx.load(old), ctx.load(new))
    return ctx.cloud


async def test_create_resolves_the_gateway() -> None:
    gateway = {"network": "public", "external_fixed_ips": [{"subnet": "s0"}], "enable_snat": False}
    ctx = FakeContext(KIND, properties={"external_gateway_info": gateway, "ha": True}, finds=FINDS)
    ctx.cloud.on("POST", "/routers", {"router": {"id": "r1", "status": "ACTIVE"}})
    await ctx.type.create(ctx, ctx.props)
    assert ctx.physical_id == "r1"
    assert ctx.cloud.sent("POST")[0]["router"] == {
        "name": ctx.physical_name,
        "admin_state_up": True,
        "ha": True,
        "external_gateway_info": {
            "network_id": "n0",
            "enable_snat": False,
            "external_fixed_ips": [{"subnet_id": "s0"}],
        },
    }


async def test_create_without_gateway_sends_none() -> None:
    ctx = FakeContext(KIND)
    ctx.cloud.on("POST", "/routers", {"router": {"id": "r1"}})
    await ctx.type.create(ctx, ctx.props)
    assert "external_gateway_info" not in ctx.cloud.sent("POST")[0]["router"]


async def test_removed_gateway_is_cleared() -> None:
    cloud = await updated({"external_gateway_info": {"network": "public"}}, {})
    assert cloud.sent("PUT") == [{"router": {"external_gateway_info": {}}}]


async def test_changed_gateway_is_sent_whole() -> None:
    old = {"external_gateway_info": {"network": "public"}}
    new = {"external_gateway_info": {"network": "public", "enable_snat": True}}
    cloud = await updated(old, new, finds=FINDS)
    assert cloud.sent("PUT") == [
        {"router": {"external_gateway_info": {"network_id": "n0", "enable_snat": True}}}
    ]


async def test_former_agent_property_joins_the_list() -> None:
    ctx = FakeContext(KIND, physical="r1", properties={"l3_agent_id": "x"})
    ctx.cloud.on("GET", "/routers/r1/l3-agents", {"agents": [{"id": "y"}]})
    ctx.cloud.on("DELETE", "/agents/y/l3-routers/r1").on("POST", "/agents/x/l3-routers", None)
    await ctx.type.configure(ctx, ctx.props)
    assert ctx.cloud.asked() == [("DELETE", "/agents/y/l3-routers/r1"), ("POST", "/agents/x/l3-routers")]
    assert ctx.cloud.sent("POST") == [{"router_id": "r1"}]


async def test_agents_that_are_no_longer_chosen_stay() -> None:
    cloud = await updated({"l3_agent_ids": ["x"]}, {})
    assert cloud.calls == []


async def test_changed_agents_are_exchanged() -> None:
    script = {
        ("GET", "/routers/r1/l3-agents"): {"agents": [{"id": "x"}]},
        ("DELETE", "/agents/x/l3-routers/r1"): None,
        ("POST", "/agents/y/l3-routers"): None,
    }
    cloud = await updated({"l3_agent_ids": ["x"]}, {"l3_agent_ids": ["y"]}, script)
    assert cloud.asked() == [("DELETE", "/agents/x/l3-routers/r1"), ("POST", "/agents/y/l3-routers")]


@pytest.mark.parametrize(
    ("properties", "complaint"),
    [
        ({"ha": True, "distributed": True}, "distributed, ha"),
        ({"l3_agent_ids": ["x"], "distributed": True}, "distributed, l3_agent_ids"),
        ({"l3_agent_id": "x", "l3_agent_ids": ["x"]}, "l3_agent_id, l3_agent_ids"),
        ({"l3_agent_ids": ["x", "y"]}, "Non HA routers can only have one L3 agent"),
    ],
)
def test_contradictions_are_refused(properties: Any, complaint: Any) -> None:
    ctx = FakeContext(KIND, properties=properties)
    with pytest.raises(PropertyError, match=complaint):
        ctx.type.validate(ctx.props)


@pytest.mark.parametrize(
    "properties",
    [
        {"ha": False, "distributed": True},
        {"ha": Unknown("p"), "distributed": True},
        {"ha": True, "l3_agent_ids": ["x", "y"]},
        {"ha": Unknown("p"), "l3_agent_ids": ["x", "y"]},
        {"l3_agent_ids": Unknown("p")},
    ],
)
def test_what_may_fit_is_accepted(properties: Any) -> None:
    ctx = FakeContext(KIND, properties=properties)
    assert ctx.type.validate(ctx.props) is None


def test_router_requires_the_subnets_of_the_external_network() -> None:
    siblings = among(
        Sibling("inside", "OS::Neutron::Subnet", {"network": Unknown("net")}),
        Sibling("outside", "OS::Neutron::Subnet", {"network": Unknown("ext")}),
    )
    ctx = FakeContext(KIND)
    router = ctx.load({"external_gateway_info": {"network": Unknown("ext")}})
    assert followed(ctx, router, siblings) == {"outside"}
    for other in ({}, {"external_gateway_info": Unknown("value")}):
        assert followed(ctx, ctx.load(other), siblings) == set()
