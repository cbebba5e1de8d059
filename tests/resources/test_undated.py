"""Objects that are found again by names or values which others may have chosen, too."""

from typing import Any

import pytest

from stackd.clients.failures import AnswerLost
from stackd.errors import CloudConflict
from tests.support.context import Call, FakeContext

KIND = "OS::Neutron::AddressScope"
PATH = "/address-scopes"


def scopes(*identities: str) -> dict[str, Any]:
    return {"address_scopes": [{"id": each, "name": "near"} for each in identities]}


async def test_older_object_of_the_name_is_not_taken_for_the_new_one() -> None:
    ctx = FakeContext(KIND, properties={"name": "near"})
    ctx.cloud.on("GET", PATH, scopes("old"), scopes("old", "new"))
    ctx.cloud.on("POST", PATH, {"address_scope": {"id": "new"}})
    await ctx.type.create(ctx, ctx.props)
    assert [each["id"] for each in await ctx.type.find(ctx, ctx.props)] == ["new"]


async def test_what_was_stored_before_a_lost_answer_is_kept() -> None:
    ctx = FakeContext(KIND, properties={"name": "near"}, stored={"older": ["old"]})
    ctx.cloud.on("POST", PATH, {"address_scope": {"id": "new"}})
    await ctx.type.create(ctx, ctx.props)
    assert ctx.cloud.asked("GET") == []


async def test_nothing_is_searched_where_nothing_was_asked_for() -> None:
    ctx = FakeContext(KIND, properties={"name": "near"})
    assert await ctx.type.find(ctx, ctx.props) == ()
    assert ctx.cloud.calls == []


@pytest.mark.parametrize("kind", [KIND, "OS::Neutron::MeteringLabel"])
async def test_name_that_nobody_else_would_choose_costs_no_search(kind: str) -> None:
    ctx = FakeContext(kind)
    entity = ctx.type.entity
    ctx.cloud.on("POST", entity.path, {entity.key: {"id": "new"}})
    ctx.cloud.on("GET", entity.path, {entity.plural: [{"id": "new", "name": ctx.physical_name}]})
    await ctx.type.create(ctx, ctx.props)
    assert ctx.cloud.asked("GET") == []
    assert [each["id"] for each in await ctx.type.find(ctx, ctx.props)] == ["new"]


VALUES: list[tuple[str, dict[str, Any], str]] = [
    (
        "OS::Neutron::QoSBandwidthLimitRule",
        {"policy": "q1", "max_kbps": 10},
        "/qos/policies/q1/bandwidth_limit_rules",
    ),
    (
        "OS::Neutron::RBACPolicy",
        {"object_type": "network", "object_id": "n1", "action": "access_as_shared", "target_tenant": "p1"},
        "/rbac-policies",
    ),
    (
        "OS::Neutron::FloatingIPPortForward",
        {
            "floating_ip": "f1",
            "internal_ip_address": "10.0.0.5",
            "internal_port": "p1",
            "internal_port_number": 80,
            "external_port": 8080,
            "protocol": "tcp",
        },
        "/floatingips/f1/port_forwardings",
    ),
    (
        "OS::Neutron::MeteringRule",
        {"metering_label_id": "l1", "remote_ip_prefix": "10.0.0.0/8"},
        "/metering/metering-label-rules",
    ),
    (
        "OS::Neutron::L2GatewayConnection",
        {"l2_gateway_id": "g1", "network_id": "n1"},
        "/l2-gateway-connections",
    ),
]


@pytest.mark.parametrize(("kind", "properties", "path"), VALUES)
async def test_same_object_of_somebody_else_is_not_taken_for_the_one_that_a_death_prevented(
    kind: str, properties: dict[str, Any], path: str
) -> None:
    ctx = FakeContext(kind, properties=properties)
    entity = ctx.type.entity
    theirs: dict[str, Any] = {"id": "theirs"}

    def refused(call: Call) -> Exception:
        theirs.update(call.body[entity.key])
        return CloudConflict("There is one.")

    ctx.cloud.on("GET", path, lambda call: {entity.plural: [theirs]}).on("POST", path, refused)
    with pytest.raises(CloudConflict):
        await ctx.type.create(ctx, ctx.props)
    ctx = FakeContext(kind, properties=properties)
    ctx.cloud.on("GET", path, {entity.plural: [theirs]}).on("POST", path, AnswerLost("The process died."))
    with pytest.raises(AnswerLost):
        await ctx.type.create(ctx, ctx.props)
    assert await ctx.type.find(ctx, ctx.props) == []
    ours = {**theirs, "id": "ours"}
    ctx.cloud.on("GET", path, {entity.plural: [theirs, ours]})
    assert await ctx.type.find(ctx, ctx.props) == [ours]


COUNTED = {"metering_label_id": "l1", "remote_ip_prefix": "10.0.0.0/8"}
RULE = {**COUNTED, "direction": "ingress", "excluded": False}


async def test_metering_rule_makes_way_for_one_that_overlaps_and_comes_back_in_its_place() -> None:
    path = "/metering/metering-label-rules"
    ctx = FakeContext("OS::Neutron::MeteringRule", physical="m1", properties=COUNTED)
    rules = [
        {"id": "m2", **RULE, "remote_ip_prefix": "10.0.0.0/9"},
        {"id": "m3", **RULE, "remote_ip_prefix": "11.0.0.0/8"},
        {"id": "m4", **RULE, "remote_ip_prefix": "::/0"},
    ]
    ctx.cloud.on("GET", path, {"metering_label_rules": rules}).on("DELETE", f"{path}/m1")
    ctx.cloud.on("DELETE", f"{path}/m2").on("POST", path, {"metering_label_rule": {"id": "m5", **RULE}})
    await ctx.type.prepare_for_replace(ctx, ctx.props)
    await ctx.type.undo_replace(ctx, ctx.props)
    assert ctx.cloud.asked() == [("DELETE", f"{path}/m1"), ("DELETE", f"{path}/m2"), ("POST", path)]
    assert ctx.physical_id == "m5"
