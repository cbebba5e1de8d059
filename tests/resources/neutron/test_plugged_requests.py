"""What the types that plug-ins of the network service add send, and how they meet failures."""

from __future__ import annotations

from typing import Any

import pytest

from stackd.errors import CloudConflict, CloudNotFound, PropertyError, ResourceInError
from stackd.resources.follows import Sibling
from stackd.template.unknown import Unknown
from tests.support.context import FakeContext, among, followed

NAME = "app-thing-abcdefghijkl"
LIFETIME = {"units": "seconds", "value": 3600}
TUNNEL = {
    "peer_address": "a.example",
    "peer_id": "a",
    "peer_cidrs": ["10.9.0.0/24"],
    "psk": "key",
    "vpnservice_id": "v1",
    "ikepolicy_id": "i1",
    "ipsecpolicy_id": "p1",
}
SWITCH = {"device_name": "d", "interfaces": [{"name": "i", "segmentation_id": [7]}]}
GATEWAY = {"devices": [{"id": "d1", "interface_name": "eth0"}]}
L2 = {"l2_gateway_id": "g1", "network_id": "n1"}
CHAIN = {"port_pair_groups": ["g1"], "flow_classifiers": ["c1"]}

SENT: list[tuple[str, str, str, dict[str, Any], dict[str, Any]]] = [
    (
        "Firewall",
        "/fw/firewalls",
        "firewall",
        {"firewall_policy_id": "p1", "value_specs": {"router_ids": ["r1"]}},
        {"firewall_policy_id": "p1", "admin_state_up": True, "router_ids": ["r1"]},
    ),
    (
        "FirewallPolicy",
        "/fw/firewall_policies",
        "firewall_policy",
        {"firewall_rules": ["r2", "r1"]},
        {"firewall_rules": ["r2", "r1"], "shared": False, "audited": False},
    ),
    (
        "FirewallRule",
        "/fw/firewall_rules",
        "firewall_rule",
        {},
        {"protocol": None, "ip_version": "4", "action": "deny", "enabled": True, "shared": False},
    ),
    (
        "VPNService",
        "/vpn/vpnservices",
        "vpnservice",
        {"router_id": "r1", "subnet_id": "s1"},
        {"router_id": "r1", "subnet_id": "s1", "admin_state_up": True},
    ),
    (
        "IKEPolicy",
        "/vpn/ikepolicies",
        "ikepolicy",
        {"lifetime": {}},
        {
            "auth_algorithm": "sha1",
            "encryption_algorithm": "aes-128",
            "pfs": "group5",
            "lifetime": LIFETIME,
            "phase1_negotiation_mode": "main",
            "ike_version": "v1",
        },
    ),
    (
        "IPsecPolicy",
        "/vpn/ipsecpolicies",
        "ipsecpolicy",
        {"encryption_algorithm": "aes-256-gcm-16"},
        {
            "auth_algorithm": "sha1",
            "encryption_algorithm": "aes-256-gcm-16",
            "pfs": "group5",
            "transform_protocol": "esp",
            "encapsulation_mode": "tunnel",
        },
    ),
    (
        "IPsecSiteConnection",
        "/vpn/ipsec-site-connections",
        "ipsec_site_connection",
        {**TUNNEL, "dpd": {"actions": "restart"}},
        {
            **TUNNEL,
            "mtu": 1500,
            "initiator": "bi-directional",
            "admin_state_up": True,
            "dpd": {"action": "restart", "interval": 30, "timeout": 120},
        },
    ),
    (
        "PortPair",
        "/sfc/port_pairs",
        "port_pair",
        {"ingress": "p1", "egress": "p2"},
        {"ingress": "p1", "egress": "p2", "service_function_parameters": {"correlation": None}},
    ),
    (
        "PortPairGroup",
        "/sfc/port_pair_groups",
        "port_pair_group",
        {"port_pairs": ["p1"]},
        {"port_pairs": ["p1"]},
    ),
    (
        "PortChain",
        "/sfc/port_chains",
        "port_chain",
        CHAIN,
        {**CHAIN, "chain_parameters": {"correlation": "mpls"}},
    ),
    (
        "FlowClassifier",
        "/sfc/flow_classifiers",
        "flow_classifier",
        {"protocol": "udp", "source_port_range_min": 1, "logical_source_port": "p1"},
        {"protocol": "udp", "source_port_range_min": 1, "logical_source_port": "p1", "ethertype": "IPv4"},
    ),
    ("TaaS::TapService", "/taas/tap_services", "tap_service", {"port": "p1"}, {"port_id": "p1"}),
    (
        "TaaS::TapFlow",
        "/taas/tap_flows",
        "tap_flow",
        {"port": "p1", "tap_service": "t1", "vlan_filter": "3-5"},
        {"source_port": "p1", "tap_service_id": "t1", "direction": "BOTH", "vlan_filter": "3-5"},
    ),
    (
        "L2Gateway",
        "/l2-gateways",
        "l2_gateway",
        {
            "name": NAME,
            "devices": [{"device_name": "d", "interfaces": [{"name": "i", "segmentation_id": [7]}]}],
        },
        {"devices": [SWITCH]},
    ),
    ("NetworkGateway", "/network-gateways", "network_gateway", GATEWAY, GATEWAY),
]


def context(kind: str, physical: str | None = None, **properties: Any) -> FakeContext:
    return FakeContext(f"OS::Neutron::{kind}", properties=properties, physical=physical)


@pytest.mark.parametrize(("kind", "path", "key", "properties", "body"), SENT)
async def test_object_is_made_found_again_and_deleted(
    kind: str, path: str, key: str, properties: Any, body: Any
) -> None:
    ctx = context(kind, **properties)
    ctx.cloud.on("POST", path, {key: {"id": "x1"}}).on("DELETE", f"{path}/x1", CloudNotFound())
    plural = path.rpartition("/")[2].replace("-", "_")
    ours = {"id": "x1", "name": NAME}
    ctx.cloud.on("GET", path, {plural: [ours, {"id": "x2", "name": "another"}]})
    await ctx.type.create(ctx, ctx.props)
    assert ctx.cloud.sent("POST") == [{key: {"name": NAME, **body}}]
    assert ctx.resource.physical_id == "x1"
    assert ctx.type.reference(ctx.resource) == "x1"
    assert await ctx.type.find(ctx, ctx.props) == [ours]
    assert ctx.cloud.calls[-1].params == {"name": NAME}
    with pytest.raises(CloudNotFound):  # which the engine takes for done
        await ctx.type.delete(ctx, ctx.props)


CHANGES: list[tuple[str, str, Any, Any, Any]] = [
    ("Firewall", "/fw/firewalls", {"firewall_policy_id": "p1"}, {"shared": True}, {"shared": True}),
    ("FirewallRule", "/fw/firewall_rules", {"protocol": "tcp"}, {"protocol": "any"}, {"protocol": None}),
    (
        "FirewallRule",
        "/fw/firewall_rules",
        {"source_port": "1:9"},
        {"source_port": None},
        {"source_port": None},
    ),
    ("FirewallPolicy", "/fw/firewall_policies", {"name": "a"}, {"name": None}, {"name": NAME}),
    ("IKEPolicy", "/vpn/ikepolicies", {"lifetime": {"value": 60}}, {}, {"lifetime": LIFETIME}),
    ("IPsecPolicy", "/vpn/ipsecpolicies", {"description": "d"}, {"description": None}, {"description": ""}),
    ("TaaS::TapFlow", "/taas/tap_flows", {"port": "p", "tap_service": "t"}, {"name": "n"}, {"name": "n"}),
    ("PortChain", "/sfc/port_chains", CHAIN, {"flow_classifiers": None}, {"flow_classifiers": []}),
]


@pytest.mark.parametrize(("kind", "path", "before", "change", "body"), CHANGES)
async def test_only_what_differs_is_sent(kind: str, path: str, before: Any, change: Any, body: Any) -> None:
    ctx = context(kind, "x1")
    ctx.cloud.on("PUT", f"{path}/x1", {})
    after = {**before, **change} if change else {}
    await ctx.type.update(ctx, ctx.load(before), ctx.load(after))
    assert [next(iter(sent.values())) for sent in ctx.cloud.sent("PUT")] == [body]


READY = {
    "Firewall": {
        **dict.fromkeys(("PENDING_CREATE", "PENDING_UPDATE"), False),
        **dict.fromkeys(("ACTIVE", "INACTIVE", "DOWN"), True),
    },
    "IPsecSiteConnection": {"PENDING_CREATE": False, "ACTIVE": True, "DOWN": True},
    "VPNService": {"PENDING_CREATE": True, "ACTIVE": True, "DOWN": True, "PENDING_UPDATE": False},
    "TaaS::TapService": {"DOWN": False, "ACTIVE": True},
    "TaaS::TapFlow": {"DOWN": False, "ACTIVE": True},
}


@pytest.mark.parametrize("kind", READY)
def test_statuses_that_are_waited_for(kind: str) -> None:
    ctx = context(kind)
    assert {each: ctx.type.ready({"status": each}) for each in READY[kind]} == READY[kind]
    for status in ("ERROR", "PENDING_DELETE"):
        with pytest.raises(ResourceInError, match=f"Went to status {status}"):
            ctx.type.ready({"status": status})
    assert ctx.type.broken({"status": "ERROR"})
    assert not ctx.type.broken({"status": "ACTIVE"})


# --- firewalls --------------------------------------------------------------------------------------


async def test_change_is_sent_again_while_the_firewall_is_busy() -> None:
    ctx = context("FirewallRule", "x1")
    ctx.cloud.on("PUT", "/fw/firewall_rules/x1", CloudConflict("busy"), CloudConflict("busy"), {})
    await ctx.type.update(ctx, ctx.load({}), ctx.load({"enabled": False}))
    assert ctx.cloud.sent("PUT") == [{"firewall_rule": {"enabled": False}}] * 3
    assert ctx.slept == [1, 2]


async def test_conflict_that_does_not_pass_fails_the_change() -> None:
    ctx = context("FirewallPolicy", "x1")
    ctx.cloud.on("PUT", "/fw/firewall_policies/x1", CloudConflict("in another policy"))
    with pytest.raises(CloudConflict, match="in another policy"):
        await ctx.type.update(ctx, ctx.load({}), ctx.load({"firewall_rules": ["r1"]}))
    assert sum(ctx.slept) == 31


def test_deletion_that_ends_in_error_fails() -> None:
    kind = context("Firewall").type
    assert not kind.gone({"status": "PENDING_DELETE"})
    with pytest.raises(ResourceInError, match="while it was deleted"):
        kind.gone({"status": "ERROR"})


def test_firewall_says_that_it_cannot_be_shared() -> None:
    ctx = context("Firewall", "x1", firewall_policy_id="p1")
    shown = ctx.shown({"status": "ACTIVE", "name": "n"})
    assert (shown["status"], shown["name"]) == ("ACTIVE", "n")
    assert "no value" in shown["shared"]


def test_any_protocol_is_no_drift() -> None:
    ctx = context("FirewallRule", "x1")
    seen = ctx.type.observed(ctx.props, {"protocol": None, "action": "deny"})
    assert seen == {"protocol": (None, None), "action": ("deny", "deny")}


# --- VPN --------------------------------------------------------------------------------------------


def test_service_follows_the_interface_of_its_router() -> None:
    ctx = context("VPNService")
    interface = "OS::Neutron::RouterInterface"
    siblings = among(
        Sibling("here", interface, {"router": Unknown("r"), "subnet": Unknown("s")}),
        Sibling("elsewhere", interface, {"router": Unknown("r"), "subnet": Unknown("t")}),
    )
    assert followed(ctx, ctx.load({"router": Unknown("r"), "subnet": Unknown("s")}), siblings) == {"here"}


# --- chains -----------------------------------------------------------------------------------------


async def test_chain_gives_up_its_classifiers_to_the_one_in_its_place() -> None:
    ctx = context("PortChain", "x1", **CHAIN)
    ctx.cloud.on("PUT", "/sfc/port_chains/x1", {})
    await ctx.type.prepare_for_replace(ctx, ctx.props)
    await ctx.type.undo_replace(ctx, ctx.props)
    sent = [body["port_chain"]["flow_classifiers"] for body in ctx.cloud.sent("PUT")]
    assert sent == [[], ["c1"]]


async def test_chain_without_classifiers_has_nothing_to_give_up() -> None:
    ctx = context("PortChain", "x1", port_pair_groups=["g1"])
    await ctx.type.prepare_for_replace(ctx, ctx.props)
    await ctx.type.undo_replace(ctx, ctx.props)
    assert ctx.cloud.calls == []


# --- taps -------------------------------------------------------------------------------------------


async def test_tap_that_comes_to_rest_is_deleted_again() -> None:
    ctx = context("TaaS::TapService", "x1", port="p1")
    live = [{"tap_service": {"status": status}} for status in ("PENDING_DELETE", "ACTIVE", "ERROR")]
    ctx.cloud.on("GET", "/taas/tap_services/x1", *live, CloudNotFound()).on("DELETE", "/taas/tap_services/x1")
    await ctx.until(lambda: ctx.type.is_gone(ctx))
    assert ctx.cloud.asked("DELETE") == [("DELETE", "/taas/tap_services/x1")] * 2


async def test_tap_that_goes_between_two_looks_is_gone() -> None:
    ctx = context("TaaS::TapFlow", "x1", port="p1", tap_service="t1")
    ctx.cloud.on("GET", "/taas/tap_flows/x1", {"tap_flow": {"status": "ACTIVE"}})
    ctx.cloud.on("DELETE", "/taas/tap_flows/x1", CloudNotFound())
    assert await ctx.type.is_gone(ctx)


@pytest.mark.parametrize("vlans", ["1-", "1,,2", "a", ""])
def test_malformed_vlan_filters_are_refused(vlans: str) -> None:
    with pytest.raises(PropertyError, match="does not match pattern"):
        context("TaaS::TapFlow").load({"port": "p", "tap_service": "t", "vlan_filter": vlans})


# --- gateways ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("number", "live", "found"),
    [("7", 7, ["x1"]), ("7", "7", ["x1"]), ("7", 8, []), (None, None, ["x1"]), (None, 7, [])],
)
async def test_connection_is_found_by_what_it_connects(number: Any, live: Any, found: Any) -> None:
    ctx = context("L2GatewayConnection", **L2, **({"segmentation_id": number} if number else {}))
    made = [{"id": "x1", **L2, "segmentation_id": live}, {"id": "x2", "segmentation_id": live}]
    ctx.cloud.on("GET", "/l2-gateway-connections", {"l2_gateway_connections": made})
    assert [each["id"] for each in await ctx.type.find(ctx, ctx.props)] == found
    assert ctx.cloud.calls[0].params == L2


async def test_connection_is_made_without_a_name() -> None:
    ctx = context("L2GatewayConnection", **L2, segmentation_id=7)
    ctx.cloud.on("POST", "/l2-gateway-connections", {"l2_gateway_connection": {"id": "x1"}})
    await ctx.type.create(ctx, ctx.props)
    assert ctx.cloud.sent("POST") == [{"l2_gateway_connection": {**L2, "segmentation_id": "7"}}]


def vlan(network: str, number: int) -> dict[str, Any]:
    return {"network": network, "segmentation_type": "vlan", "segmentation_id": number}


def sent_vlan(network: str, number: int) -> dict[str, Any]:
    return {"network_id": network, "segmentation_type": "vlan", "segmentation_id": number}


FLAT = {"network_id": "n0", "segmentation_type": "flat"}


def gateway(**properties: Any) -> FakeContext:
    ctx = context("NetworkGateway", "x1", **GATEWAY, **properties)
    for verb in ("connect", "disconnect"):
        ctx.cloud.on("PUT", f"/network-gateways/x1/{verb}_network", {})
    return ctx


def joined(ctx: FakeContext, verb: str, identity: str = "x1") -> list[Any]:
    return list(ctx.cloud.sent("PUT", f"/network-gateways/{identity}/{verb}_network"))


async def test_networks_are_connected_once_the_gateway_is_there() -> None:
    ctx = gateway(connections=[{"network_id": "n0"}, vlan("n1", 5)])
    refused = CloudConflict("connected already")  # by an attempt that was interrupted
    ctx.cloud.on("PUT", "/network-gateways/x1/connect_network", refused, {})
    await ctx.type.configure(ctx, ctx.props)
    assert joined(ctx, "connect") == [FLAT, sent_vlan("n1", 5)]


async def test_connections_that_stay_are_not_interrupted() -> None:
    ctx = gateway()
    ctx.cloud.on("PUT", "/network-gateways/x1/disconnect_network", CloudNotFound())
    ctx.cloud.on("PUT", "/network-gateways/x1", {})
    old, new = [{"network": "n0"}, vlan("n1", 5)], [vlan("n1", 5), vlan("n1", 6)]
    before, after = (ctx.load({**GATEWAY, "connections": each}) for each in (old, new))
    await ctx.type.update(ctx, before, after)
    assert joined(ctx, "disconnect") == [FLAT]
    assert joined(ctx, "connect") == [sent_vlan("n1", 6)]


async def test_networks_are_disconnected_before_the_gateway_goes() -> None:
    ctx = gateway(connections=[{"network": "n0"}])
    ctx.cloud.on("PUT", "/network-gateways/x1/disconnect_network", CloudNotFound())
    ctx.cloud.on("DELETE", "/network-gateways/x1")
    await ctx.type.delete(ctx, ctx.props)
    assert joined(ctx, "disconnect") == [FLAT]
    assert ctx.cloud.asked()[-1] == ("DELETE", "/network-gateways/x1")


async def test_other_devices_make_another_gateway() -> None:
    ctx = gateway()
    old = ctx.load({**GATEWAY, "connections": [{"network": "n0"}]})
    devices = [{"id": "d2", "interface_name": "eth0"}]
    new = ctx.load({"devices": devices, "connections": [vlan("n1", 5)]})
    ctx.cloud.on("DELETE", "/network-gateways/x1").on("GET", "/network-gateways", {"network_gateways": []})
    ctx.cloud.on("POST", "/network-gateways", {"network_gateway": {"id": "x2"}})
    ctx.cloud.on("PUT", "/network-gateways/x2/connect_network", {})
    await ctx.type.update(ctx, old, new)
    assert joined(ctx, "disconnect") == [FLAT]
    assert ctx.physical_id == "x2"
    assert joined(ctx, "connect", "x2") == [sent_vlan("n1", 5)]
    assert ctx.data == {}


async def test_gateway_that_was_made_before_an_interruption_is_used() -> None:
    ctx = gateway()
    devices = [{"id": "d2", "interface_name": "eth0"}]
    new = ctx.load({"devices": devices})
    await ctx.put_data(renewing=new.data)
    found = [{"id": "x2", "name": ctx.physical_name}]
    ctx.cloud.on("GET", "/network-gateways", {"network_gateways": found})
    await ctx.type.update(ctx, ctx.load(GATEWAY), new)
    assert ctx.physical_id == "x2"
    assert ctx.cloud.asked() == []


@pytest.mark.parametrize(
    ("connection", "complaint"),
    [
        ({"segmentation_type": "vlan"}, "is required"),
        ({"segmentation_id": 5}, "must be left out"),
        ({"segmentation_type": "vlan", "segmentation_id": 0}, None),
        ({"segmentation_id": 0}, None),
        ({"segmentation_type": Unknown("a"), "segmentation_id": 5}, None),
        ({"segmentation_id": Unknown("a")}, None),
    ],
)
def test_only_vlans_have_numbers(connection: Any, complaint: str | None) -> None:
    ctx = gateway(connections=[{"network": "n0", **connection}])
    if complaint is None:
        assert ctx.type.validate(ctx.props) is None
        return
    with pytest.raises(PropertyError, match=f"segmentation_id {complaint}") as raised:
        ctx.type.validate(ctx.props)
    assert raised.value.path.startswith("properties.connections[0]")
