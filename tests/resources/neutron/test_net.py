from typing import Any

import pytest

from stackd.errors import CloudConflict, PropertyError, ResourceInError
from tests.support.context import FakeContext

KIND = "OS::Neutron::Net"


def network(**fields: Any) -> dict[str, Any]:
    return {"network": {"id": "n1", "status": "ACTIVE", **fields}}


async def test_create_sends_given_properties_and_value_specs() -> None:
    ctx = FakeContext(
        KIND, properties={"qos_policy": "gold", "value_specs": {"provider:network_type": "vlan", "mtu": None}}
    )
    ctx.cloud.on("POST", "/networks", network())
    await ctx.type.create(ctx, ctx.props)
    assert ctx.physical_id == "n1"
    assert ctx.cloud.sent("POST") == [
        {
            "network": {
                "name": ctx.physical_name,
                "admin_state_up": True,
                "shared": False,
                "qos_policy_id": "gold",
                "provider:network_type": "vlan",
                "mtu": None,
            }
        }
    ]


async def test_configure_of_plain_network_asks_nothing() -> None:
    ctx = FakeContext(KIND, physical="n1")
    await ctx.type.configure(ctx, ctx.props)
    assert ctx.cloud.calls == []


async def test_configure_sets_tags_and_chooses_agents() -> None:
    ctx = FakeContext(KIND, physical="n1", properties={"tags": ["a"], "dhcp_agent_ids": ["x", "y"]})
    ctx.cloud.on("GET", "/networks/n1/dhcp-agents", {"agents": [{"id": "x"}, {"id": "z"}]})
    ctx.cloud.on("DELETE", "/agents/z/dhcp-networks/n1")
    ctx.cloud.on("POST", "/agents/y/dhcp-networks", CloudConflict("hosted already"))
    ctx.cloud.on("PUT", "/networks/n1/tags", {})
    await ctx.type.configure(ctx, ctx.props)
    assert ctx.cloud.asked() == [
        ("DELETE", "/agents/z/dhcp-networks/n1"),
        ("POST", "/agents/y/dhcp-networks"),
        ("PUT", "/networks/n1/tags"),
    ]
    assert ctx.cloud.sent("PUT") == [{"tags": ["a"]}]


async def test_update_sends_only_what_differs_and_clears_what_was_removed() -> None:
    ctx = FakeContext(KIND, physical="n1")
    old = ctx.load({"name": "a", "qos_policy": "gold", "dns_domain": "x.", "port_security_enabled": False})
    ctx.cloud.on("PUT", "/networks/n1", {})
    await ctx.type.update(ctx, old, ctx.load({}))
    assert ctx.cloud.sent("PUT") == [
        {"network": {"name": ctx.physical_name, "qos_policy_id": None, "dns_domain": ""}}
    ]


async def test_update_sends_changed_entries_of_value_specs() -> None:
    ctx = FakeContext(KIND, physical="n1")
    ctx.cloud.on("PUT", "/networks/n1", {})
    old, new = ({"value_specs": {"mtu": 1400, "x": 1}}, {"value_specs": {"mtu": 1450, "x": 1}})
    await ctx.type.update(ctx, ctx.load(old), ctx.load(new))
    assert ctx.cloud.sent("PUT") == [{"network": {"mtu": 1450}}]


async def test_update_of_tags_replaces_all() -> None:
    ctx = FakeContext(KIND, physical="n1")
    ctx.cloud.on("PUT", "/networks/n1/tags", {})
    await ctx.type.update(ctx, ctx.load({"tags": ["a"]}), ctx.load({}))
    assert ctx.cloud.sent("PUT") == [{"tags": []}]


async def test_update_of_agents_releases_those_no_longer_listed() -> None:
    ctx = FakeContext(KIND, physical="n1")
    ctx.cloud.on("GET", "/networks/n1/dhcp-agents", {"agents": [{"id": "x"}, {"id": "z"}]})
    ctx.cloud.on("DELETE", "/agents/z/dhcp-networks/n1", CloudConflict("not hosted"))
    await ctx.type.update(ctx, ctx.load({"dhcp_agent_ids": ["x", "z"]}), ctx.load({"dhcp_agent_ids": ["x"]}))
    assert ctx.cloud.asked() == [("DELETE", "/agents/z/dhcp-networks/n1")]


@pytest.mark.parametrize("banned", ["name", "shared", "tenant_id", "tags"])
def test_value_specs_must_not_have_properties(banned: Any) -> None:
    ctx = FakeContext(KIND, properties={"value_specs": {banned: "x"}})
    with pytest.raises(PropertyError, match=f"{banned} not allowed in value_specs"):
        ctx.type.validate(ctx.props)


@pytest.mark.parametrize(("status", "ready"), [("BUILD", False), ("ACTIVE", True), ("DOWN", True)])
def test_ready_follows_status(status: Any, ready: Any) -> None:
    assert FakeContext(KIND).type.ready({"status": status}) is ready


@pytest.mark.parametrize("status", ["ERROR", "DEGRADED", "STRANGE"])
def test_other_status_is_an_error(status: Any) -> None:
    with pytest.raises(ResourceInError, match=status):
        FakeContext(KIND).type.ready({"status": status})


def test_only_network_in_error_is_broken() -> None:
    kind = FakeContext(KIND).type
    assert kind.broken({"status": "ERROR"})
    assert not kind.broken({"status": "DOWN"})


async def test_segments_are_sorted_with_unnamed_first() -> None:
    ctx = FakeContext(KIND, physical="n1")
    segments = [{"id": "2", "name": "b"}, {"id": "1", "name": "a"}, {"id": "0", "name": None}]
    ctx.cloud.on("GET", "/segments", {"segments": segments})
    assert [each["id"] for each in await ctx.attribute("segments")] == ["0", "1", "2"]


async def test_find_looks_for_the_deterministic_name() -> None:
    ctx = FakeContext(KIND)
    theirs, ours = {"id": "a", "name": "other"}, {"id": "b", "name": ctx.physical_name}
    ctx.cloud.on("GET", "/networks", {"networks": [theirs, ours]})
    assert await ctx.type.find(ctx, ctx.props) == [ours]
