from typing import Any

import pytest

from stackd.errors import PropertyError
from stackd.resources.follows import Sibling
from stackd.template.unknown import Unknown
from tests.support.context import FakeContext, among, followed, gone

KIND = "OS::Neutron::Port"
ADDRESS = {"subnet_id": "s1", "ip_address": "10.0.0.5"}


async def created_with(properties: Any, **options: Any) -> Any:
    ctx = FakeContext(KIND, properties={"network": "n1", **properties}, **options)
    ctx.cloud.on("POST", "/ports", {"port": {"id": "p1", "status": "DOWN"}})
    await ctx.type.create(ctx, ctx.props)
    assert ctx.physical_id == "p1"
    return ctx.cloud.sent("POST")[0]["port"]


async def updated(old: Any, new: Any, *live: Any, **options: Any) -> list[Any]:
    ctx = FakeContext(KIND, physical="p1", **options)
    ctx.cloud.on("PUT", "/ports/p1", {})
    if live:
        ctx.cloud.on("GET", "/ports/p1", {"port": live[0]})
    await ctx.type.update(ctx, ctx.load({"network": "n1", **old}), ctx.load({"network": "n1", **new}))
    return [body["port"] for body in ctx.cloud.sent("PUT")]


async def test_plain_port_gets_address_and_group_from_the_service() -> None:
    assert await created_with({}) == {
        "name": "app-thing-abcdefghijkl",
        "network_id": "n1",
        "admin_state_up": True,
        "binding:vnic_type": "normal",
    }


async def test_fixed_ips_name_subnets_by_id_and_leave_out_what_is_not_given() -> None:
    body = await created_with({"fixed_ips": [{"subnet": "s1"}, {"ip_address": "10.0.0.5"}]})
    assert body["fixed_ips"] == [{"subnet_id": "s1"}, {"ip_address": "10.0.0.5"}]


async def test_former_name_of_subnet_still_works() -> None:
    assert (await created_with({"fixed_ips": [{"subnet_id": "s1"}]}))["fixed_ips"] == [{"subnet_id": "s1"}]


async def test_empty_fixed_ips_leave_the_choice_to_the_service() -> None:
    assert "fixed_ips" not in await created_with({"fixed_ips": []})


async def test_no_fixed_ips_asks_for_none() -> None:
    assert (await created_with({"no_fixed_ips": True}))["fixed_ips"] == []


async def test_security_groups_are_looked_up_by_name() -> None:
    finds = {("neutron.security_group", "web"): "g1"}
    body = await created_with({"security_groups": ["web", "g1", "g2"]}, finds=finds)
    assert body["security_groups"] == ["g1", "g2"]


async def test_empty_security_groups_mean_none() -> None:
    assert (await created_with({"security_groups": []}))["security_groups"] == []


async def test_value_specs_and_address_pairs_are_sent() -> None:
    body = await created_with(
        {
            "allowed_address_pairs": [{"ip_address": "10.0.0.0/8"}],
            "value_specs": {"binding:profile": {"trusted": "true"}},
            "qos_policy": "q1",
            "dns_name": "web",
            "binding:vnic_type": "direct",
        }
    )
    assert body["allowed_address_pairs"] == [{"ip_address": "10.0.0.0/8"}]
    assert body["binding:profile"] == {"trusted": "true"}
    assert body["binding:vnic_type"] == "direct"
    assert body["qos_policy_id"] == "q1"
    assert body["dns_name"] == "web"


async def test_update_without_security_groups_returns_to_the_default_one() -> None:
    ctx = FakeContext(KIND, physical="p1", properties={"network": "n1"})
    ctx.cloud.on("GET", "/ports/p1", {"port": {"project_id": "t1"}}).on("PUT", "/ports/p1", {})
    ctx.cloud.on("GET", "/security-groups", {"security_groups": [{"id": "g0"}]})
    await ctx.type.update(ctx, ctx.load({"network": "n1", "security_groups": ["g1"]}), ctx.props)
    assert ctx.cloud.sent("PUT") == [{"port": {"security_groups": ["g0"]}}]
    assert ctx.cloud.calls[1].params == {"name": "default", "project_id": "t1"}


async def test_update_keeps_addresses_that_are_no_longer_listed() -> None:
    assert await updated({"fixed_ips": [{"subnet": "s1"}]}, {}) == []


async def test_update_clears_address_when_asked_to_have_none() -> None:
    assert await updated({}, {"no_fixed_ips": True}) == [{"fixed_ips": []}]


async def test_removed_values_are_cleared() -> None:
    before: dict[str, Any] = {
        "allowed_address_pairs": [{"ip_address": "10.0.0.9"}],
        "qos_policy": "q",
        "dns_name": "a",
    }
    before["propagate_uplink_status"] = True
    assert await updated(before, {}) == [{"qos_policy_id": None, "dns_name": "", "allowed_address_pairs": []}]


async def test_removed_device_is_cleared() -> None:
    assert await updated({"device_id": "d", "device_owner": "o"}, {}) == [
        {"device_id": "", "device_owner": ""}
    ]


async def test_binding_profile_is_merged_with_what_others_wrote() -> None:
    live = {"binding:profile": {"nova": 1, "old": 2, "both": 3}}
    old = {"value_specs": {"binding:profile": {"old": 2, "both": 3}}}
    new = {"value_specs": {"binding:profile": {"both": 4, "new": 5}}}
    assert await updated(old, new, live) == [{"binding:profile": {"nova": 1, "both": 4, "new": 5}}]


def test_addresses_exclude_having_none() -> None:
    ctx = FakeContext(KIND, properties={"network": "n", "no_fixed_ips": True, "fixed_ips": [{"subnet": "s"}]})
    with pytest.raises(PropertyError, match="fixed_ips, no_fixed_ips"):
        ctx.type.validate(ctx.props)


def test_replacement_policy_forces_replacement() -> None:
    ctx = FakeContext(KIND)
    auto, always = (
        ctx.load({"network": "n", "replacement_policy": policy}) for policy in ("AUTO", "REPLACE_ALWAYS")
    )
    assert ctx.type.needs_replace(auto, auto, frozenset()) is None
    assert ctx.type.needs_replace(auto, always, frozenset()) == "replacement_policy is REPLACE_ALWAYS"


async def test_replaced_port_gives_its_addresses_free() -> None:
    ctx = FakeContext(KIND, physical="p1", properties={"network": "n1"})
    ctx.cloud.on("GET", "/ports/p1", {"port": {"id": "p1", "fixed_ips": [ADDRESS]}})
    ctx.cloud.on("PUT", "/ports/p1", {})
    await ctx.type.prepare_for_replace(ctx, ctx.props)
    assert ctx.cloud.sent("PUT") == [{"port": {"fixed_ips": []}}]
    assert "10.0.0.5" in ctx.data["freed_fixed_ips"]


async def test_preparing_again_keeps_the_remembered_addresses() -> None:
    ctx = FakeContext(KIND, physical="p1", properties={"network": "n1"}, stored={"freed_fixed_ips": "[1]"})
    ctx.cloud.on("GET", "/ports/p1", {"port": {"id": "p1", "fixed_ips": []}})
    await ctx.type.prepare_for_replace(ctx, ctx.props)
    assert ctx.data == {"freed_fixed_ips": "[1]"}


async def test_replacing_a_vanished_port_needs_no_preparation() -> None:
    ctx = FakeContext(KIND, physical="p1", properties={"network": "n1"})
    ctx.cloud.on("GET", "/ports/p1", gone())
    await ctx.type.prepare_for_replace(ctx, ctx.props)
    assert ctx.data == {}


async def test_rollback_takes_the_addresses_back_from_the_new_port() -> None:
    stored = {"freed_fixed_ips": '[{"subnet_id": "s1", "ip_address": "10.0.0.5"}]'}
    ctx = FakeContext(KIND, physical="p1", properties={"network": "by name"}, stored=stored)
    ports = [{"id": "p2", "name": "app-thing-zzzzzzzzzzzz"}, {"id": "p3", "name": "somebody else's"}]
    ctx.cloud.on("GET", "/ports", {"ports": ports})
    ctx.cloud.on("GET", "/ports/p1", {"port": {"network_id": "n1"}})
    ctx.cloud.on("PUT", "/ports/p2", {}).on("PUT", "/ports/p1", {})
    await ctx.type.undo_replace(ctx, ctx.props)
    assert ctx.cloud.asked() == [("PUT", "/ports/p2"), ("PUT", "/ports/p1")]
    assert ctx.cloud.sent("PUT", "/ports/p1") == [{"port": {"fixed_ips": [ADDRESS]}}]
    assert ctx.cloud.calls[1].params == {"network_id": "n1", "fixed_ips": ["ip_address=10.0.0.5"]}
    assert ctx.data == {}


async def test_rollback_without_remembered_addresses_does_nothing() -> None:
    ctx = FakeContext(KIND, physical="p1", properties={"network": "n1"})
    await ctx.type.undo_replace(ctx, ctx.props)
    assert ctx.cloud.calls == []


async def test_network_and_subnets_are_shown_in_full() -> None:
    ctx = FakeContext(KIND, physical="p1", properties={"network": "n1"})
    fixed_ips = [{"subnet_id": "s2"}, {"subnet_id": "s1"}, {"subnet_id": "s2"}]
    ctx.cloud.on("GET", "/ports/p1", {"port": {"network_id": "n1", "fixed_ips": fixed_ips}})
    ctx.cloud.on("GET", "/networks/n1", {"network": {"id": "n1"}})
    ctx.cloud.on("GET", "/subnets", {"subnets": [{"id": "s1"}, {"id": "s2"}]})
    assert await ctx.attribute("network") == {"id": "n1"}
    assert await ctx.attribute("subnets") == [{"id": "s2"}, {"id": "s1"}]


ID = "0123abcd-0123-4567-89ab-0123456789ab"


def subnet(name: Any, **properties: Any) -> Any:
    return Sibling(name, "OS::Neutron::Subnet", properties)


@pytest.mark.parametrize(
    ("network", "expected"),
    [
        (Unknown("net"), {"a", "b", "d"}),
        ("n9", {"c"}),
        (Unknown("other"), set()),
        (ID, {"c"}),
        (Unknown("net", ("id",)), {"a", "b", "c", "d", "e"}),
    ],
)
def test_port_requires_the_subnets_of_its_network(network: Any, expected: Any) -> None:
    siblings = among(
        subnet("a", network=Unknown("net")),
        subnet("b", network_id=Unknown("net")),
        subnet("c", network="n9"),
        subnet("d", network=Unknown("net"), network_id=None),
        subnet("e"),
        Sibling("f", "OS::Neutron::Net", {"network": "net"}),
    )
    ctx = FakeContext(KIND)
    assert followed(ctx, ctx.load({"network": network}), siblings) == expected
