"""What properties of load balancing must not be together, and what is sent of them."""

from __future__ import annotations

from typing import Any

import pytest

from stackd.errors import PropertyError
from stackd.template.unknown import Unknown
from tests.resources.octavia.balancing import LB
from tests.support.context import FakeContext

LISTENER = {"loadbalancer": "lb", "protocol": "HTTP", "protocol_port": 80}
POOL = {"listener": "li", "protocol": "HTTP", "lb_algorithm": "ROUND_ROBIN"}
RULE = {"l7policy": "y", "type": "PATH", "compare_type": "CONTAINS", "value": "a"}


def persistence(**values: Any) -> dict[str, Any]:
    return {**POOL, "session_persistence": values}


@pytest.mark.parametrize(
    ("kind", "properties", "message", "path"),
    [
        (
            *("Listener", {**LISTENER, "protocol": "TERMINATED_HTTPS"}),
            *("default_tls_container_ref is required when protocol is TERMINATED_HTTPS", "properties"),
        ),
        (
            "Pool",
            {**POOL, "listener": None},
            "properties must be specified: listener, loadbalancer",
            "properties",
        ),
        (
            *("Pool", persistence(type="APP_COOKIE"), "cookie_name is required when the type is APP_COOKIE"),
            "properties.session_persistence.cookie_name",
        ),
        (
            *("Pool", persistence(type="SOURCE_IP", cookie_name="c"), "must not be given when the type is"),
            "properties.session_persistence.cookie_name",
        ),
        (
            *("L7Policy", {"listener": "li", "action": "REDIRECT_TO_POOL"}),
            *("redirect_pool is required when action is REDIRECT_TO_POOL", "properties"),
        ),
        (
            *("L7Policy", {"listener": "li", "action": "REJECT", "redirect_url": "http://x"}),
            *("redirect_url must not be given when action is REJECT", "properties.redirect_url"),
        ),
        ("L7Rule", {**RULE, "type": "COOKIE"}, "key is required when type is COOKIE", "properties"),
        ("Quota", {"project": "p"}, "must be specified: healthmonitor, listener", "properties"),
    ],
)
def test_refused(kind: str, properties: dict[str, Any], message: str, path: str) -> None:
    ctx = FakeContext(LB + kind, properties=properties)
    with pytest.raises(PropertyError, match=message) as caught:
        ctx.type.validate(ctx.props)
    assert caught.value.path == path


@pytest.mark.parametrize(
    ("kind", "properties"),
    [
        ("Listener", {**LISTENER, "protocol": "TERMINATED_HTTPS", "default_tls_container_ref": Unknown("s")}),
        ("Pool", persistence(type=Unknown("t"))),
        ("Pool", {**POOL, "session_persistence": Unknown("m")}),
        ("Pool", persistence(type="HTTP_COOKIE")),
        ("L7Policy", {"listener": "li", "action": Unknown("a")}),
        ("L7Policy", {"listener": "li", "action": "REDIRECT_TO_POOL", "redirect_pool": Unknown("p")}),
        ("L7Rule", {**RULE, "type": "HEADER", "key": Unknown("k")}),
    ],
)
def test_accepted(kind: str, properties: dict[str, Any]) -> None:
    ctx = FakeContext(LB + kind, properties=properties)
    ctx.type.validate(ctx.props)


async def test_a_policy_changes_its_action_and_forgets_the_target() -> None:
    given = {"listener": "li", "action": "REDIRECT_TO_POOL", "redirect_pool": "p", "position": 2}
    ctx = FakeContext(LB + "L7Policy", properties=given, physical="y", stored={"balancer": "lb"})
    ctx.cloud.on("PUT", "/lbaas/l7policies/y")
    await ctx.type.update(ctx, ctx.props, ctx.load({"listener": "li", "action": "REJECT"}))
    assert ctx.cloud.sent("PUT") == [{"l7policy": {"action": "REJECT", "redirect_pool_id": None}}]


async def test_a_load_balancer_is_made_of_what_is_given() -> None:
    given = {"vip_subnet": "s", "tenant_id": "other", "flavor": "f", "availability_zone": "az"}
    ctx = FakeContext(LB + "LoadBalancer", properties=given)
    ctx.cloud.on("POST", "/lbaas/loadbalancers", {"loadbalancer": {"id": "lb"}})
    await ctx.type.create(ctx, ctx.props)
    assert ctx.cloud.sent("POST") == [
        {
            "loadbalancer": {
                **{"name": ctx.physical_name, "admin_state_up": True, "vip_subnet_id": "s"},
                **{"project_id": "other", "flavor_id": "f", "availability_zone": "az"},
            }
        }
    ]


@pytest.mark.parametrize(
    ("kind", "live"),
    [
        ("LoadBalancer", {"pools": [{"id": "p"}], "vip_address": "10.0.0.5", "vip_port_id": "port"}),
        ("Listener", {"default_pool_id": "p", "loadbalancers": [{"id": "lb"}]}),
        ("Pool", {"members": [{"id": "m"}], "listeners": [{"id": "li"}], "healthmonitor_id": "h"}),
        ("HealthMonitor", {"pools": [{"id": "p"}]}),
        ("L7Policy", {"rules": [{"id": "r"}]}),
    ],
)
def test_attributes_are_fields(kind: str, live: dict[str, Any]) -> None:
    shown = FakeContext(LB + kind).shown(live)
    assert {name: value for name, value in shown.items() if value is not None} == live
