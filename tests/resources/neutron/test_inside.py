"""QoS rules and port forwardings: objects in collections inside another object."""

from typing import Any

import pytest

from tests.support.context import FakeContext

FORWARD, LIMIT = "OS::Neutron::FloatingIPPortForward", "OS::Neutron::QoSBandwidthLimitRule"
FORWARDED = {
    "floating_ip": "172.24.4.9",
    "internal_port": "p1",
    "internal_ip_address": "10.8.0.5",
    "internal_port_number": 80,
    "external_port": 8080,
    "protocol": "tcp",
}
FORWARDING = {
    "internal_port_id": "p1",
    "internal_ip_address": "10.8.0.5",
    "internal_port": 80,
    "external_port": 8080,
    "protocol": "tcp",
}
RULES = "/qos/policies/q1/bandwidth_limit_rules"
LIMITED = {"max_kbps": 10, "max_burst_kbps": 0, "direction": "egress"}


def forwarding() -> FakeContext:
    address = ("neutron.floatingip", "172.24.4.9")
    return FakeContext(FORWARD, properties=FORWARDED, finds={address: "f1"})


async def test_forwarding_is_made_below_the_floating_ip_of_the_address_and_removed_there() -> None:
    ctx = forwarding()
    path = "/floatingips/f1/port_forwardings"
    ctx.cloud.on("GET", path, {"port_forwardings": []})
    ctx.cloud.on("POST", path, {"port_forwarding": {"id": "w1", **FORWARDING}})
    ctx.cloud.on("PUT", f"{path}/w1", {})
    ctx.cloud.on("DELETE", f"{path}/w1")
    await ctx.type.create(ctx, ctx.props)
    assert (ctx.physical_id, ctx.data) == ("w1", {"floating_ip": "f1", "older": []})
    await ctx.type.update(ctx, ctx.props, ctx.load({**FORWARDED, "external_port": 81, "protocol": "udp"}))
    await ctx.type.delete(ctx, ctx.props)
    assert ctx.cloud.sent("POST") == [{"port_forwarding": FORWARDING}]
    assert ctx.cloud.sent("PUT") == [{"port_forwarding": {"external_port": 81, "protocol": "udp"}}]
    assert ctx.cloud.asked()[-1] == ("DELETE", f"{path}/w1")


async def test_forwarding_can_be_checked() -> None:
    ctx = FakeContext(FORWARD, physical="w1", properties=FORWARDED, stored={"floating_ip": "f1"})
    ctx.cloud.on("GET", "/floatingips/f1/port_forwardings/w1", {"port_forwarding": {"id": "w1"}})
    await ctx.type.check(ctx, ctx.props)
    assert ctx.type.checkable


async def test_interrupted_creation_is_found_among_the_rules_of_the_policy_that_was_asked() -> None:
    ctx = FakeContext(LIMIT, properties={"policy": "q1", **LIMITED}, stored={"policy": "q1", "older": []})
    rules: list[Any] = [{"id": "r1", **LIMITED, "direction": "ingress"}, {"id": "r2", **LIMITED}]
    ctx.cloud.on("GET", RULES, {"bandwidth_limit_rules": rules})
    assert await ctx.type.find(ctx, ctx.props) == [rules[1]]


@pytest.mark.parametrize(
    ("kind", "properties"), [(LIMIT, {"policy": "gold", **LIMITED}), (FORWARD, FORWARDED)]
)
async def test_nothing_is_searched_where_nothing_was_asked_for(kind: str, properties: Any) -> None:
    ctx = FakeContext(kind, properties=properties)
    assert await ctx.type.find(ctx, ctx.props) == ()
    assert ctx.cloud.calls == []


async def test_owner_of_a_rule_is_that_of_its_policy_and_not_sent() -> None:
    ctx = FakeContext(LIMIT, properties={"policy": "q1", "max_kbps": 10, "tenant_id": "p1"})
    ctx.cloud.on("GET", RULES, {"bandwidth_limit_rules": []})
    ctx.cloud.on("POST", RULES, {"bandwidth_limit_rule": {"id": "r1"}})
    await ctx.type.create(ctx, ctx.props)
    assert ctx.cloud.sent("POST") == [{"bandwidth_limit_rule": LIMITED}]


async def test_forwarding_makes_way_for_its_replacement_and_comes_back() -> None:
    """The inner port can be reached by one floating IP only."""
    ctx = FakeContext(FORWARD, physical="w1", properties=FORWARDED, stored={"floating_ip": "f1"})
    own, other = "/floatingips/f1/port_forwardings", "/floatingips/f2/port_forwardings"
    elsewhere = {**FORWARDING, "id": "w9", "internal_port": 81}
    replacement = [{**FORWARDING, "id": "w2", "external_port": 1}, elsewhere]
    listed = [{"id": "f1", "port_forwardings": []}, {"id": "f2", "port_forwardings": replacement}]
    ctx.cloud.on("GET", "/floatingips", {"floatingips": [*listed, {"id": "f3"}]})
    ctx.cloud.on("GET", own, {"port_forwardings": []})
    ctx.cloud.on("DELETE", f"{own}/w1").on("DELETE", f"{other}/w2")
    ctx.cloud.on("POST", own, {"port_forwarding": {"id": "w3"}})
    await ctx.type.prepare_for_replace(ctx, ctx.props)
    await ctx.type.undo_replace(ctx, ctx.props)
    assert ctx.physical_id == "w3"
    assert ctx.cloud.asked() == [("DELETE", f"{own}/w1"), ("DELETE", f"{other}/w2"), ("POST", own)]


async def test_rule_that_came_back_already_is_not_made_again() -> None:
    ctx = FakeContext(LIMIT, physical="r1", properties={"policy": "q1", **LIMITED}, stored={"policy": "q1"})
    ctx.cloud.on("GET", RULES, {"bandwidth_limit_rules": [{"id": "r2", **LIMITED}]})
    await ctx.type.undo_replace(ctx, ctx.props)
    assert ctx.physical_id == "r2"
