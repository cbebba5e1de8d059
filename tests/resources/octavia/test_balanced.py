"""What load balancers and their parts have in common: places, turns and conflicts."""

from __future__ import annotations

from typing import Any

import pytest

from stackd.clients.failures import AnswerLost
from stackd.errors import CloudConflict, CloudNotFound, ResourceFailure, ResourceInError
from tests.resources.octavia.balancing import LB
from tests.support.context import FakeContext, gone

BUSY = CloudConflict("immutable")
LISTENER = {"loadbalancer": "lb", "protocol": "HTTP", "protocol_port": 80}
MEMBER = {"pool": "p", "address": "10.0.0.7", "protocol_port": 80}
RULE = {"l7policy": "y", "type": "PATH", "compare_type": "CONTAINS", "value": "a"}
KNOWN = {"balancer": "lb"}


def balancer(status: str = "ACTIVE", at: int = 0) -> dict[str, Any]:
    return {
        "loadbalancer": {"id": "lb", "provisioning_status": status, "updated_at": f"2026-11-30T00:00:{at:02}"}
    }


def part(kind: str, properties: dict[str, Any], physical: str | None = None, **more: Any) -> FakeContext:
    ctx = FakeContext(LB + kind, properties=properties, physical=physical, **more)
    ctx.cloud.on("GET", "/lbaas/loadbalancers/lb", balancer())
    return ctx


async def test_a_refused_creation_is_repeated_when_the_load_balancer_is_active() -> None:
    ctx = part("Listener", LISTENER)
    ctx.cloud.on("POST", "/lbaas/listeners", BUSY, BUSY, {"listener": {"id": "li"}})
    ctx.cloud.on(
        *("GET", "/lbaas/loadbalancers/lb"),
        *(
            balancer("PENDING_UPDATE", 1),
            balancer("ACTIVE", 2),
            balancer("PENDING_CREATE", 3),
            balancer(at=4),
        ),
    )
    await ctx.type.create(ctx, ctx.props)
    assert ctx.physical_id == "li"
    assert ctx.cloud.asked() == [("POST", "/lbaas/listeners")] * 3
    assert len(ctx.cloud.asked("GET")) == 4
    assert ctx.slept == []


async def test_a_conflict_that_nobody_causes_is_raised() -> None:
    ctx = part("Listener", LISTENER)
    ctx.cloud.on("POST", "/lbaas/listeners", CloudConflict("port in use"))
    with pytest.raises(CloudConflict, match="port in use"):
        await ctx.type.create(ctx, ctx.props)
    assert ctx.cloud.asked() == [("POST", "/lbaas/listeners")] * 3
    assert ctx.slept == [1.0]  # so that two changes do not have the same time


async def test_a_creation_whose_answer_is_lost_is_not_repeated() -> None:
    ctx = part("Listener", LISTENER)
    ctx.cloud.on("POST", "/lbaas/listeners", AnswerLost("lost"))
    with pytest.raises(AnswerLost):
        await ctx.type.create(ctx, ctx.props)
    assert len(ctx.cloud.asked()) == 1


@pytest.mark.parametrize(
    ("answer", "error", "text"),
    [
        (
            balancer("ERROR"),
            ResourceFailure,
            "is in ERROR, so that the service changes nothing of it",
        ),
        (balancer("DELETED"), CloudNotFound, "is deleted"),
        (gone(), CloudNotFound, "not found"),
    ],
)
async def test_what_is_not_active_any_more_ends_the_wait(answer: Any, error: Any, text: str) -> None:
    ctx = part("Listener", LISTENER, "li", stored=KNOWN)
    ctx.cloud.on("DELETE", "/lbaas/listeners/li", BUSY).on("GET", "/lbaas/loadbalancers/lb", answer)
    with pytest.raises(error, match=text):
        await ctx.type.delete(ctx, ctx.props)


async def test_a_load_balancer_in_error_can_be_deleted_and_not_changed() -> None:
    ctx = part("LoadBalancer", {"vip_subnet": "s"}, "lb")
    ctx.cloud.on("DELETE", "/lbaas/loadbalancers/lb", BUSY, None).on("PUT", "/lbaas/loadbalancers/lb", BUSY)
    ctx.cloud.on("GET", "/lbaas/loadbalancers/lb", balancer("PENDING_UPDATE"), balancer("ERROR"))
    await ctx.type.delete(ctx, ctx.props)
    assert ctx.cloud.asked() == [("DELETE", "/lbaas/loadbalancers/lb")] * 2
    with pytest.raises(ResourceFailure, match="is in ERROR"):
        await ctx.type.update(ctx, ctx.props, ctx.load({"vip_subnet": "s", "name": "new"}))


async def test_a_member_knows_its_place_before_it_is_made() -> None:
    ctx = part("PoolMember", MEMBER)
    ctx.cloud.on("GET", "/lbaas/pools/p", {"pool": {"id": "p", "loadbalancers": [{"id": "lb"}]}})

    def made(call: Any) -> Any:
        assert ctx.data == {"balancer": "lb", "pool": "p"}
        return {"member": {"id": "m"}}

    ctx.cloud.on("POST", "/lbaas/pools/p/members", made)
    await ctx.type.create(ctx, ctx.props)
    assert ctx.cloud.sent("POST")[0]["member"]["name"] == ctx.physical_name
    ctx.cloud.on("GET", "/lbaas/pools/p/members/m", {"member": {"id": "m", "provisioning_status": "ACTIVE"}})
    assert ctx.type.ready(await ctx.live(fresh=True))
    ctx.cloud.on("PUT", "/lbaas/pools/p/members/m").on("DELETE", "/lbaas/pools/p/members/m")
    await ctx.type.update(ctx, ctx.props, ctx.load({**MEMBER, "weight": 2}))
    await ctx.type.delete(ctx, ctx.props)
    assert ctx.cloud.sent("PUT") == [{"member": {"weight": 2}}]


async def test_the_place_of_a_rule_is_found_by_way_of_policy_and_listener() -> None:
    ctx = part("L7Rule", RULE, "r")  # an adopted one, of which nothing is stored
    ctx.cloud.on("GET", "/lbaas/l7policies/y", {"l7policy": {"id": "y", "listener_id": "li"}})
    ctx.cloud.on("GET", "/lbaas/listeners/li", {"listener": {"id": "li", "loadbalancers": [{"id": "lb"}]}})
    ctx.cloud.on("DELETE", "/lbaas/l7policies/y/rules/r")
    await ctx.type.delete(ctx, ctx.props)
    assert ctx.data == {"balancer": "lb", "l7policy": "y"}


async def test_a_rule_is_found_by_its_tag() -> None:
    ctx = part("L7Rule", RULE, stored={**KNOWN, "l7policy": "y"})
    ours, theirs = {"id": "a", "tags": ["thing-uuid"]}, {"id": "b", "tags": []}
    ctx.cloud.on("GET", "/lbaas/l7policies/y/rules", {"rules": [theirs, ours]})
    assert await ctx.type.find(ctx, ctx.props) == [ours]
    assert ctx.type.body(ctx, ctx.props)["tags"] == ["thing-uuid"]


async def test_a_member_is_found_by_its_name() -> None:
    ctx = part("PoolMember", MEMBER, stored={**KNOWN, "pool": "p"})
    ours = {"id": "a", "name": ctx.physical_name}
    ctx.cloud.on("GET", "/lbaas/pools/p/members", {"members": [ours, {"id": "b", "name": ""}]})
    assert await ctx.type.find(ctx, ctx.props) == [ours]


async def test_nothing_is_looked_for_where_nothing_was_asked_for() -> None:
    for kind, properties in (("L7Rule", RULE), ("PoolMember", MEMBER), ("Listener", LISTENER)):
        ctx = part(kind, properties)
        assert list(await ctx.type.find(ctx, ctx.props)) == []
        assert ctx.cloud.calls == []


async def test_nothing_is_sent_when_nothing_differs() -> None:
    ctx = part("Listener", LISTENER, "li", stored=KNOWN)
    await ctx.type.update(ctx, ctx.props, ctx.props)
    assert ctx.cloud.calls == []


@pytest.mark.parametrize(("status", "is_gone"), [("PENDING_DELETE", False), ("DELETED", True)])
def test_what_is_deleted(status: str, is_gone: bool) -> None:
    assert part("Pool", {}).type.gone({"provisioning_status": status}) is is_gone


def test_a_failed_deletion_is_an_error_and_a_broken_part_is_replaced() -> None:
    kind = part("Pool", {}).type
    with pytest.raises(ResourceInError, match="Went to status ERROR"):
        kind.gone({"provisioning_status": "ERROR"})
    assert [kind.broken({"provisioning_status": each}) for each in ("ERROR", "ACTIVE")] == [True, False]
