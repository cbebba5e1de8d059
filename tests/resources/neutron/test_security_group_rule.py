from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stackd.errors import PropertyError
from stackd.resources.neutron.rules import same_rule_key
from tests.support.context import FakeContext

KIND = "OS::Neutron::SecurityGroupRule"
PROPERTIES = {"security_group": "g1", "port_range_min": 80, "port_range_max": 80, "remote_group": "g2"}
BODY = {
    "security_group_id": "g1",
    "direction": "ingress",
    "ethertype": "IPv4",
    "protocol": "tcp",
    "port_range_min": 80,
    "port_range_max": 80,
    "remote_group_id": "g2",
}


async def test_rule_is_added_to_its_group() -> None:
    ctx = FakeContext(KIND, properties=PROPERTIES)
    ctx.cloud.on("POST", "/security-group-rules", {"security_group_rule": {"id": "r1"}})
    await ctx.type.create(ctx, ctx.props)
    assert ctx.physical_id == "r1"
    assert ctx.cloud.sent("POST") == [{"security_group_rule": BODY}]


async def test_interrupted_creation_is_found_by_what_the_rule_says() -> None:
    ctx = FakeContext(KIND, properties=PROPERTIES)
    same = {"id": "r1", **BODY, "description": "", "remote_ip_prefix": None}
    other = {**same, "id": "r2", "port_range_max": 81}
    ctx.cloud.on("GET", "/security-group-rules", {"security_group_rules": [other, same]})
    assert await ctx.type.find(ctx, ctx.props) == [same]


@pytest.mark.parametrize(
    ("properties", "complaint"),
    [
        ({"remote_ip_prefix": "10.0.0.0/8"}, "remote_group, remote_ip_prefix"),
        ({"port_range_min": 81}, "must not be greater"),
    ],
)
def test_contradictions_are_refused(properties: Any, complaint: Any) -> None:
    ctx = FakeContext(KIND, properties={**PROPERTIES, **properties})
    with pytest.raises(PropertyError, match=complaint):
        ctx.type.validate(ctx.props)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"remote_ip_prefix": "0.0.0.0/0"}, {}),
        ({"remote_ip_prefix": "10.0.0.7/24"}, {"remote_ip_prefix": "10.0.0.0/24"}),
        ({"protocol": "icmpv6"}, {"protocol": "ipv6-icmp"}),
        ({"description": ""}, {"description": None}),
        ({"remote_group_id": ""}, {"remote_group_id": None}),
    ],
)
def test_rules_that_the_service_does_not_tell_apart_are_the_same(one: Any, other: Any) -> None:
    assert same_rule_key(one) == same_rule_key(other)


@given(low=st.integers(0, 65535), high=st.integers(0, 65535))
def test_rules_for_other_ports_differ(low: Any, high: Any) -> None:
    first, second = ({"port_range_min": low, "port_range_max": port} for port in (low, high))
    assert (same_rule_key(first) == same_rule_key(second)) is (low == high)
