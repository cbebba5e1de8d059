from typing import Any

import pytest

from tests.support.context import FakeContext

KIND = "AWS::EC2::NetworkInterface"
PORT = {"id": "p", "project_id": "me", "fixed_ips": [{"subnet_id": "sub", "ip_address": "10.0.0.9"}]}


def interface(physical: str | None = "p", **properties: Any) -> FakeContext:
    ctx = FakeContext(
        KIND,
        physical=physical,
        properties={"SubnetId": "sub", **properties},
        finds={("neutron.security_group", "web"): "g1"},
    )
    ctx.cloud.on("GET", "/subnets/sub", {"subnet": {"id": "sub", "network_id": "net"}})
    ctx.cloud.on("POST", "/ports", {"port": PORT}).on("PUT", "/ports/p", {})
    ctx.cloud.on("GET", "/ports/p", {"port": PORT})
    return ctx


async def test_port_is_made_on_the_subnet() -> None:
    ctx = interface(None, PrivateIpAddress="10.0.0.9", GroupSet=["web", "g1"], Description="front")
    await ctx.type.create(ctx, ctx.props)
    [body] = ctx.cloud.sent("POST")
    assert body["port"] == {
        "name": ctx.physical_name,
        "description": "front",
        "network_id": "net",
        "fixed_ips": [{"subnet_id": "sub", "ip_address": "10.0.0.9"}],
        "security_groups": ["g1"],
    }
    assert await ctx.attribute("PrivateIpAddress") == "10.0.0.9"


async def test_groups_and_address_are_left_to_the_service() -> None:
    ctx = interface(None)
    await ctx.type.create(ctx, ctx.props)
    [body] = ctx.cloud.sent("POST")
    assert body["port"]["fixed_ips"] == [{"subnet_id": "sub"}]
    assert "security_groups" not in body["port"]


@pytest.mark.parametrize(("groups", "sent"), [(["web"], ["g1"]), ([], []), (None, ["default-id"])])
async def test_groups_are_changed(groups: Any, sent: list[str]) -> None:
    ctx = interface(GroupSet=["g2"])
    ctx.cloud.on("GET", "/security-groups", {"security_groups": [{"id": "default-id"}]})
    given = {} if groups is None else {"GroupSet": groups}
    await ctx.type.update(ctx, ctx.props, ctx.load({"SubnetId": "sub", **given}))
    assert ctx.cloud.sent("PUT") == [{"port": {"security_groups": sent}}]


async def test_replacement_can_have_the_address_and_rollback_gives_it_back() -> None:
    ctx = interface(PrivateIpAddress="10.0.0.9")
    await ctx.type.prepare_for_replace(ctx, ctx.props)
    new = {"id": "q", "name": f"{ctx.physical_name[:-12]}zyxwvutsrqpo"}
    ctx.cloud.on("GET", "/ports", {"ports": [new]}).on("PUT", "/ports/q", {})
    ctx.cloud.on("GET", "/ports/p", {"port": {**PORT, "network_id": "net"}})
    await ctx.live(fresh=True)
    await ctx.type.undo_replace(ctx, ctx.props)
    assert ctx.cloud.asked() == [("PUT", "/ports/p"), ("PUT", "/ports/q"), ("PUT", "/ports/p")]
    assert [body["port"]["fixed_ips"] for body in ctx.cloud.sent("PUT")] == [[], [], PORT["fixed_ips"]]
