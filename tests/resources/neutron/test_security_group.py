from typing import Any

import pytest

from stackd.errors import CloudConflict, PropertyError
from stackd.template.unknown import Unknown
from tests.support.context import FakeContext, gone

KIND = "OS::Neutron::SecurityGroup"
DEFAULTS = [
    {"id": "e4", "direction": "egress", "ethertype": "IPv4", "protocol": None, "remote_ip_prefix": None},
    {"id": "e6", "direction": "egress", "ethertype": "IPv6", "protocol": None, "remote_ip_prefix": None},
]
SSH = {"protocol": "tcp", "port_range_min": 22, "port_range_max": 22, "remote_ip_prefix": "0.0.0.0/0"}
SSH_SENT = {"security_group_id": "g1", "direction": "ingress", "ethertype": "IPv4", **SSH}


def context(rules: Any, live: Any = DEFAULTS, **properties: Any) -> Any:
    ctx = FakeContext(KIND, physical="g1", properties={"rules": rules, **properties})
    ctx.cloud.on("GET", "/security-groups/g1", {"security_group": {"id": "g1", "security_group_rules": live}})
    ctx.cloud.on("POST", "/security-group-rules", {})
    for rule in live:
        ctx.cloud.on("DELETE", f"/security-group-rules/{rule['id']}")
    return ctx


def sent(ctx: FakeContext) -> list[Any]:
    return [rule for body in ctx.cloud.sent("POST") for rule in body["security_group_rules"]]


async def test_create_makes_the_group_only() -> None:
    ctx = FakeContext(KIND, properties={"stateful": False, "rules": [SSH]})
    ctx.cloud.on("POST", "/security-groups", {"security_group": {"id": "g1", "security_group_rules": []}})
    await ctx.type.create(ctx, ctx.props)
    assert ctx.physical_id == "g1"
    assert ctx.cloud.sent("POST") == [{"security_group": {"name": ctx.physical_name, "stateful": False}}]


async def test_rules_are_added_in_one_request() -> None:
    ctx = context([SSH, {"protocol": "icmp"}])
    await ctx.type.configure(ctx, ctx.props)
    assert ctx.cloud.asked() == [("POST", "/security-group-rules")]
    icmp = {"security_group_id": "g1", "direction": "ingress", "ethertype": "IPv4", "protocol": "icmp"}
    assert sent(ctx) == [SSH_SENT, icmp]


async def test_group_without_rules_keeps_those_of_the_service() -> None:
    ctx = context([])
    await ctx.type.configure(ctx, ctx.props)
    assert ctx.cloud.calls == []


async def test_given_egress_rule_takes_the_place_of_the_default_ones() -> None:
    ctx = context([{"direction": "egress", "protocol": "udp"}])
    await ctx.type.configure(ctx, ctx.props)
    stale = {("DELETE", f"/security-group-rules/{rule}") for rule in ("e4", "e6")}
    assert set(ctx.cloud.asked("DELETE")) == stale
    assert [rule["protocol"] for rule in sent(ctx)] == ["udp"]


async def test_remote_group_without_id_is_the_group_itself() -> None:
    ctx = context(
        [{"remote_mode": "remote_group_id"}, {"remote_mode": "remote_group_id", "remote_group_id": "g9"}]
    )
    await ctx.type.configure(ctx, ctx.props)
    assert [rule["remote_group_id"] for rule in sent(ctx)] == ["g1", "g9"]


async def test_mode_decides_which_remote_side_counts() -> None:
    both = {"remote_group_id": "g9", "remote_ip_prefix": "10.0.0.0/8"}
    ctx = context([both, {"remote_mode": "remote_group_id", **both}])
    await ctx.type.configure(ctx, ctx.props)
    by_prefix, by_group = sent(ctx)
    assert (by_prefix.get("remote_group_id"), by_prefix.get("remote_ip_prefix")) == (None, "10.0.0.0/8")
    assert (by_group.get("remote_group_id"), by_group.get("remote_ip_prefix")) == ("g9", None)


async def test_configure_again_adds_nothing() -> None:
    live = [*DEFAULTS, {"id": "r1", **SSH_SENT, "remote_ip_prefix": None, "description": ""}]
    ctx = context([SSH], live)
    await ctx.type.configure(ctx, ctx.props)
    assert ctx.cloud.asked() == []


async def test_conflict_with_earlier_attempt_is_resolved_by_a_new_look() -> None:
    ctx = context([SSH, {"protocol": "icmp"}], [*DEFAULTS, {"id": "r1", **SSH_SENT}])
    await ctx.created("g1", {"id": "g1", "security_group_rules": DEFAULTS})
    ctx.cloud.on("POST", "/security-group-rules", CloudConflict("exists"), {})
    await ctx.type.configure(ctx, ctx.props)
    assert [len(body["security_group_rules"]) for body in ctx.cloud.sent("POST")] == [2, 1]


async def test_update_removes_stale_rules_and_adds_missing_ones() -> None:
    live = [{"id": "r1", **SSH_SENT}, {"id": "r2", **SSH_SENT, "port_range_min": 20}]
    ctx = context([SSH], live)
    ctx.cloud.on("DELETE", "/security-group-rules/r2", gone())
    await ctx.type.update(ctx, ctx.load({"rules": []}), ctx.props)
    assert ctx.cloud.asked() == [("DELETE", "/security-group-rules/r2"), ("POST", "/security-group-rules")]
    assert [(rule["direction"], rule["ethertype"]) for rule in sent(ctx)] == [
        ("egress", "IPv4"),
        ("egress", "IPv6"),
    ]


async def test_update_clears_a_removed_description() -> None:
    ctx = FakeContext(KIND, physical="g1")
    ctx.cloud.on("PUT", "/security-groups/g1", {})
    await ctx.type.update(ctx, ctx.load({"name": "a", "description": "b"}), ctx.load({}))
    assert ctx.cloud.sent("PUT") == [{"security_group": {"name": ctx.physical_name, "description": ""}}]


@pytest.mark.parametrize(
    ("properties", "complaint"),
    [
        ({"name": "default"}, "default"),
        ({"rules": [{"protocol": "tcp", "port_range_min": 2, "port_range_max": 1}]}, "must not be greater"),
    ],
)
def test_what_the_service_would_refuse_is_refused(properties: Any, complaint: Any) -> None:
    ctx = FakeContext(KIND, properties=properties)
    with pytest.raises(PropertyError, match=complaint):
        ctx.type.validate(ctx.props)


@pytest.mark.parametrize(
    "rules",
    [
        Unknown("list"),
        [Unknown("rule")],
        [{"protocol": "icmp", "port_range_min": 8, "port_range_max": 0}],
        [{"port_range_min": Unknown("x"), "port_range_max": 1}],
        [{"protocol": 6}, {"protocol": "255"}, {"protocol": "udplite"}],
    ],
)
def test_what_may_fit_is_accepted(rules: Any) -> None:
    ctx = FakeContext(KIND, properties={"rules": rules})
    assert ctx.type.validate(ctx.props) is None


@pytest.mark.parametrize("protocol", ["256", "-1", "TCP", ""])
def test_unknown_protocol_is_refused(protocol: Any) -> None:
    with pytest.raises(PropertyError, match="not an allowed value"):
        FakeContext(KIND).load({"rules": [{"protocol": protocol}]})
