from typing import Any

import pytest

from stackd.errors import PropertyError
from stackd.template.unknown import Unknown
from tests.support.context import FakeContext

KIND = "AWS::EC2::SecurityGroup"
ALL_OUT = [{"id": "e4", "direction": "egress", "ethertype": "IPv4"}]
SSH = {"IpProtocol": "tcp", "FromPort": "22", "ToPort": "22", "CidrIp": "10.0.0.0/8"}


def group(live: Any = (), **properties: Any) -> FakeContext:
    ctx = FakeContext(
        KIND,
        physical="g",
        properties={"GroupDescription": "d", **properties},
        finds={("neutron.security_group", "web"): "w"},
    )
    shown = {"id": "g", "security_group_rules": list(live)}
    ctx.cloud.on("GET", "/security-groups/g", {"security_group": shown})
    ctx.cloud.on("POST", "/security-group-rules", {})
    for rule in live:
        ctx.cloud.on("DELETE", f"/security-group-rules/{rule['id']}")
    return ctx


def sent(ctx: FakeContext) -> list[Any]:
    rules = [rule for body in ctx.cloud.sent("POST") for rule in body["security_group_rules"]]
    return [{key: each for key, each in rule.items() if key != "security_group_id"} for rule in rules]


async def test_group_is_made_with_its_description() -> None:
    ctx = FakeContext(KIND, properties={"GroupDescription": "d", "VpcId": "net"})
    ctx.cloud.on("POST", "/security-groups", {"security_group": {"id": "g"}})
    await ctx.type.create(ctx, ctx.props)
    assert ctx.cloud.sent("POST") == [{"security_group": {"name": ctx.physical_name, "description": "d"}}]
    await ctx.type.configure(ctx, ctx.props)
    assert len(ctx.cloud.calls) == 1


IN, TCP22 = {"direction": "ingress", "ethertype": "IPv4"}, {"port_range_min": 22, "port_range_max": 22}


@pytest.mark.parametrize(
    ("rule", "body"),
    [
        (SSH, {**IN, "protocol": "tcp", **TCP22, "remote_ip_prefix": "10.0.0.0/8"}),
        ({"IpProtocol": "-1"}, IN),
        ({"IpProtocol": "ICMP", "FromPort": "-1", "ToPort": "-1"}, {**IN, "protocol": "icmp"}),
        (
            {"IpProtocol": "tcp", "SourceSecurityGroupId": "w"},
            {**IN, "protocol": "tcp", "remote_group_id": "w"},
        ),
        (
            {"SourceSecurityGroupName": "web", "SourceSecurityGroupOwnerId": "me"},
            {**IN, "remote_group_id": "w"},
        ),
        ({"SourceSecurityGroupName": "", "SourceSecurityGroupOwnerId": ""}, IN),
        ({"CidrIp": "fd00::/8"}, {**IN, "ethertype": "IPv6", "remote_ip_prefix": "fd00::/8"}),
    ],
)
async def test_rule_is_written_in_the_words_of_neutron(rule: Any, body: Any) -> None:
    ctx = group(ALL_OUT, SecurityGroupIngress=[rule])
    await ctx.type.configure(ctx, ctx.props)
    assert body in sent(ctx)


async def test_egress_rules_take_the_place_of_the_default_ones() -> None:
    ctx = group(ALL_OUT, SecurityGroupEgress=[{"IpProtocol": "udp", "FromPort": "53", "ToPort": "53"}])
    await ctx.type.configure(ctx, ctx.props)
    assert ctx.cloud.asked() == [("DELETE", "/security-group-rules/e4"), ("POST", "/security-group-rules")]
    assert [rule["protocol"] for rule in sent(ctx)] == ["udp"]


async def test_update_changes_only_what_differs() -> None:
    kept = {"id": "r1", "direction": "ingress", "protocol": "tcp", **TCP22, "remote_ip_prefix": "10.0.0.0/8"}
    stale = {
        "id": "r2",
        "direction": "ingress",
        "protocol": "tcp",
        "port_range_min": 80,
        "port_range_max": 80,
    }
    out = [{"id": f"e{each}", "direction": "egress", "ethertype": f"IPv{each}"} for each in (4, 6)]
    ctx = group([*out, kept, stale])
    https = {"IpProtocol": "tcp", "FromPort": "443", "ToPort": "443"}
    new = ctx.load({"GroupDescription": "d", "SecurityGroupIngress": [SSH, https]})
    await ctx.type.update(ctx, ctx.props, new)
    assert ctx.cloud.asked("DELETE") == [("DELETE", "/security-group-rules/r2")]
    assert [rule["port_range_min"] for rule in sent(ctx)] == [443]


@pytest.mark.parametrize(
    ("rule", "place", "text"),
    [
        ({"FromPort": "http"}, ".FromPort", "number of a port"),
        ({"ToPort": "65536"}, ".ToPort", "number of a port"),
        ({"IpProtocol": "tcp", "FromPort": "90", "ToPort": "80"}, "", "must not be greater"),
        ({"CidrIp": "everywhere"}, ".CidrIp", "no range"),
        ({"CidrIp": "0.0.0.0/0", "SourceSecurityGroupId": "w"}, "", "one other side"),
    ],
)
@pytest.mark.parametrize("name", ["SecurityGroupIngress", "SecurityGroupEgress"])
def test_wrong_rules_are_refused_before_anything_is_made(name: str, rule: Any, place: str, text: str) -> None:
    ctx = group(**{name: [SSH, rule]})
    with pytest.raises(PropertyError, match=text) as caught:
        ctx.type.validate(ctx.props)
    assert caught.value.path == f"properties.{name}[1]{place}"


def test_rules_that_are_not_known_are_not_judged() -> None:
    ctx = group()
    for ingress in (Unknown("x"), [Unknown("x")], [{"FromPort": Unknown("x"), "ToPort": "1"}]):
        ctx.type.validate(ctx.type.properties.wrap({"SecurityGroupIngress": ingress}))
