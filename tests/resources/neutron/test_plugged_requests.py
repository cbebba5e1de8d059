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


WAYS: dict[str, Any] = {
    "same_way": {"id": "x2", "port_pair_groups": ["g1"], "flow_classifiers": []},
    "same_flows": {"id": "x3", "port_pair_groups": ["g2"], "flow_classifiers": ["c1", "c2"]},
    "another": {"id": "x4", "port_pair_groups": ["g1", "g2"], "flow_classifiers": ["c2"]},
}


async def test_chain_goes_before_its_replacement_and_comes_back_in_its_place() -> None:
    ctx = context("PortChain", "x1", **CHAIN)
    chains = ctx.type.entity.path
    for identity in ("x1", "x2", "x3"):
        ctx.cloud.on("DELETE", f"{chains}/{identity}")
    ctx.cloud.on("GET", chains, {"port_chains": list(WAYS.values())})
    ctx.cloud.on("POST", chains, {"port_chain": {"id": "x5"}})
    await ctx.type.prepare_for_replace(ctx, ctx.props)
    assert ctx.cloud.asked() == [("DELETE", f"{chains}/x1")]
    await ctx.type.undo_replace(ctx, ctx.props)
    assert ctx.cloud.asked()[1:] == [
        ("DELETE", f"{chains}/x2"),
        ("DELETE", f"{chains}/x3"),
        ("POST", chains),
    ]
    assert ctx.physical_id == "x5"


async def test_chain_that_never_went_stays() -> None:
    ctx = context("PortChain", "x1", **CHAIN)
    ctx.cloud.on("GET", ctx.type.entity.path, {"port_chains": [{"id": "x1"}, WAYS["same_way"]]})
    await ctx.type.undo_replace(ctx, ctx.props)
    assert ctx.cloud.asked() == []


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
