"""What plug-ins of Neutron refuse, as the real ones do, and the statuses of their objects."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from stackd.devcloud.neutron.extras import ALIASES

N = "/network/v2.0"
KEYS = {
    "/fw/firewalls": "firewall",
    "/fw/firewall_policies": "firewall_policy",
    "/fw/firewall_rules": "firewall_rule",
    "/vpn/vpnservices": "vpnservice",
    "/vpn/ikepolicies": "ikepolicy",
    "/vpn/ipsecpolicies": "ipsecpolicy",
    "/vpn/ipsec-site-connections": "ipsec_site_connection",
    "/sfc/port_pairs": "port_pair",
    "/sfc/port_pair_groups": "port_pair_group",
    "/sfc/port_chains": "port_chain",
    "/sfc/flow_classifiers": "flow_classifier",
    "/taas/tap_services": "tap_service",
    "/taas/tap_flows": "tap_flow",
    "/l2-gateways": "l2_gateway",
    "/l2-gateway-connections": "l2_gateway_connection",
    "/network-gateways": "network_gateway",
    "/networks": "network",
    "/subnets": "subnet",
    "/ports": "port",
    "/routers": "router",
}


@dataclass
class Neutron:
    """The network service as a user of it, whose objects are known by names."""

    user: Any
    clock: Any

    async def make(self, path: str, **values: Any) -> Any:
        return (await self.user.post(N + path, {KEYS[path]: values}))[KEYS[path]]

    async def id_of(self, path: str, **values: Any) -> str:
        return str((await self.make(path, **values))["id"])

    async def status(self, path: str, identity: str) -> str:
        return str((await self.user.get(f"{N}{path}/{identity}"))[KEYS[path]]["status"])

    async def refusal(self, method: str, path: str, **values: Any) -> tuple[int, str]:
        key = next((key for known, key in KEYS.items() if path.startswith(known)), "")
        body = None if method == "DELETE" else values if path.endswith("connect_network") else {key: values}
        reply = await self.user.call(method, N + path, body)
        return reply.status_code, reply.json()["NeutronError"]["type"] if reply.status_code >= 400 else ""


@pytest.fixture
async def neutron(cloud: Any) -> Neutron:
    return Neutron(await cloud.login("demo", "demo"), cloud.time)


async def test_extensions_of_plug_ins_are_listed() -> None:
    assert {"fwaas", "vpnaas", "sfc", "taas", "l2-gateway", "l2-gateway-connection"} <= set(ALIASES)


async def test_firewall_is_busy_after_each_change_and_keeps_its_parts(neutron: Neutron) -> None:
    rule = await neutron.id_of("/fw/firewall_rules", protocol="tcp", source_port="80", ip_version="4")
    policy = await neutron.id_of("/fw/firewall_policies", firewall_rules=[rule])
    made = await neutron.make("/fw/firewalls", firewall_policy_id=policy, shared=False)
    firewall = f"/fw/firewalls/{made['id']}"
    assert (made["status"], "shared" in made) == ("PENDING_CREATE", False)
    busy = (409, "FirewallInPendingState")
    for path in (firewall, f"/fw/firewall_policies/{policy}", f"/fw/firewall_rules/{rule}"):
        assert await neutron.refusal("PUT", path, description="d") == busy
    neutron.clock.now += 1
    assert await neutron.status("/fw/firewalls", made["id"]) == "INACTIVE"  # there is no router
    await neutron.make("/routers")
    assert await neutron.refusal("PUT", f"/fw/firewall_rules/{rule}", enabled=False) == (200, "")
    assert await neutron.status("/fw/firewalls", made["id"]) == "PENDING_UPDATE"
    neutron.clock.now += 1
    assert await neutron.status("/fw/firewalls", made["id"]) == "ACTIVE"
    shown = (await neutron.user.get(f"{N}/fw/firewall_rules/{rule}"))["firewall_rule"]
    assert (shown["firewall_policy_id"], shown["position"], shown["ip_version"]) == (policy, 1, 4)
    gone = (404, "FirewallPolicyNotFound")
    assert await neutron.refusal("PUT", firewall, firewall_policy_id="x") == gone
    assert await neutron.refusal("DELETE", f"/fw/firewall_policies/{policy}") == (409, "FirewallPolicyInUse")
    assert await neutron.refusal("DELETE", f"/fw/firewall_rules/{rule}") == (409, "FirewallRuleInUse")
    again = await neutron.refusal("POST", "/fw/firewall_policies", firewall_rules=[rule])
    assert again == (409, "FirewallRuleInUse")
    assert await neutron.refusal("DELETE", firewall) == (204, "")
    assert await neutron.status("/fw/firewalls", made["id"]) == "PENDING_DELETE"


@pytest.mark.parametrize(
    ("path", "values", "kind"),
    [
        ("/fw/firewall_rules", {"source_port": "80"}, "FirewallRuleWithPortWithoutProtocolInvalid"),
        ("/fw/firewall_rules", {"source_port": "80", "protocol": "icmp"}, "FirewallRuleInvalidICMPParameter"),
        ("/fw/firewall_rules", {"ip_version": "5"}, "HTTPBadRequest"),
        ("/vpn/ikepolicies", {"lifetime": {"value": 59}}, "HTTPBadRequest"),
        ("/vpn/ipsecpolicies", {"lifetime": None}, "HTTPBadRequest"),
        ("/vpn/ikepolicies", {"tags": []}, "HTTPBadRequest"),
        ("/sfc/port_chains", {"port_pair_groups": []}, "PortPairGroupNotSpecified"),
        ("/sfc/flow_classifiers", {"source_port_range_min": 1}, "FlowClassifierProtocolRequiredWithPorts"),
        (
            "/sfc/flow_classifiers",
            {"protocol": "tcp", "source_port_range_min": 2, "source_port_range_max": 1},
            "FlowClassifierInvalidPortRange",
        ),
        ("/taas/tap_services", {}, "HTTPBadRequest"),
        ("/l2-gateways", {"devices": [{"device_name": "d", "interfaces": []}]}, "InvalidInput"),
    ],
)
async def test_wrong_values_are_refused(neutron: Neutron, path: str, values: Any, kind: str) -> None:
    assert await neutron.refusal("POST", path, **values) == (400, kind)


@pytest.mark.parametrize(
    ("path", "values"),
    [
        ("/fw/firewall_policies", {"firewall_rules": ["x"]}),
        ("/fw/firewalls", {"firewall_policy_id": "x"}),
        ("/sfc/port_pairs", {"ingress": "x", "egress": "x"}),
        ("/sfc/port_pair_groups", {"port_pairs": ["x"]}),
        ("/sfc/port_chains", {"port_pair_groups": ["x"]}),
        ("/taas/tap_services", {"port_id": "x"}),
        ("/vpn/vpnservices", {"router_id": "x", "subnet_id": "x"}),
    ],
)
async def test_what_refers_to_nothing_is_refused(neutron: Neutron, path: str, values: Any) -> None:
    status, kind = await neutron.refusal("POST", path, **values)
    assert status == 404
    assert kind.endswith("NotFound")


async def test_vpn_needs_a_router_on_the_subnet_and_a_way_out(neutron: Neutron) -> None:
    network = await neutron.id_of("/networks")
    subnet = await neutron.id_of("/subnets", network_id=network, cidr="10.1.0.0/24", ip_version=4)
    router = await neutron.id_of("/routers")
    service = {"router_id": router, "subnet_id": subnet}
    assert await neutron.refusal("POST", "/vpn/vpnservices", **service) == (400, "RouterIsNotExternal")
    public = (await neutron.user.get(f"{N}/networks?router:external=true"))["networks"][0]["id"]
    outside = {"router": {"external_gateway_info": {"network_id": public}}}
    assert await neutron.user.status("PUT", f"{N}/routers/{router}", outside) == 200
    apart = (400, "SubnetIsNotConnectedToRouter")
    assert await neutron.refusal("POST", "/vpn/vpnservices", **service) == apart
    leave, on = f"{N}/routers/{router}/remove_router_interface", {"subnet_id": subnet}
    assert await neutron.user.status("PUT", leave.replace("remove", "add"), on) == 200
    vpn = await neutron.id_of("/vpn/vpnservices", **service)
    pending = (400, "VPNStateInvalidToUpdate")
    assert await neutron.refusal("PUT", f"/vpn/vpnservices/{vpn}", name="n") == pending
    assert await neutron.user.status("PUT", leave, on) == 409
    parts = {
        "vpnservice_id": vpn,
        "ikepolicy_id": await neutron.id_of("/vpn/ikepolicies"),
        "ipsecpolicy_id": await neutron.id_of("/vpn/ipsecpolicies"),
        "peer_address": "a",
        "peer_id": "a",
        "psk": "key",
    }
    tunnels = "/vpn/ipsec-site-connections"
    wrong = {**parts, "dpd": {"actions": "hold"}}
    assert await neutron.refusal("POST", tunnels, **wrong) == (400, "HTTPBadRequest")
    hasty = await neutron.refusal("POST", tunnels, **parts, dpd={"timeout": 30})
    assert hasty == (400, "IPsecSiteConnectionDpdIntervalValueError")
    tunnel = await neutron.make(tunnels, **parts)
    assert (tunnel["status"], tunnel["auth_mode"]) == ("PENDING_CREATE", "psk")
    neutron.clock.now += 1
    assert await neutron.status(tunnels, tunnel["id"]) == "ACTIVE"
    assert await neutron.status("/vpn/vpnservices", vpn) == "ACTIVE"
    for path, kind in (
        (f"/vpn/vpnservices/{vpn}", "VPNServiceInUse"),
        (f"/vpn/ikepolicies/{parts['ikepolicy_id']}", "IKEPolicyInUse"),
        (f"/vpn/ipsecpolicies/{parts['ipsecpolicy_id']}", "IPsecPolicyInUse"),
    ):
        assert await neutron.refusal("DELETE", path) == (409, kind)


async def test_members_of_chains_belong_to_one_and_cannot_go(neutron: Neutron) -> None:
    network = await neutron.id_of("/networks")
    loose = await neutron.id_of("/ports", network_id=network)
    both = {"ingress": loose, "egress": loose}
    assert await neutron.refusal("POST", "/sfc/port_pairs", **both) == (400, "PortPairIngressNoHost")
    port = await neutron.id_of("/ports", **{"network_id": network, "binding:host_id": "h"})
    both = {"ingress": port, "egress": port}
    pair = await neutron.id_of("/sfc/port_pairs", **both)
    assert await neutron.refusal("POST", "/sfc/port_pairs", **both) == (400, "PortPairIngressEgressInUse")
    group = await neutron.id_of("/sfc/port_pair_groups", port_pairs=[pair])
    taken = (409, "PortPairInUse")
    assert await neutron.refusal("POST", "/sfc/port_pair_groups", port_pairs=[pair]) == taken
    assert await neutron.refusal("DELETE", f"/sfc/port_pairs/{pair}") == taken
    what = {"protocol": "tcp", "logical_source_port": port}
    classifier = await neutron.id_of("/sfc/flow_classifiers", **what)
    doubled = (400, "FlowClassifierInConflict")
    assert await neutron.refusal("POST", "/sfc/flow_classifiers", **what) == doubled
    way = {"port_pair_groups": [group], "flow_classifiers": [classifier]}
    chain = await neutron.id_of("/sfc/port_chains", **way)
    assert await neutron.refusal("POST", "/sfc/port_chains", **way) == (409, "InvalidPortPairGroups")
    empty = await neutron.id_of("/sfc/port_pair_groups")
    way["port_pair_groups"] = [group, empty]
    assert await neutron.refusal("POST", "/sfc/port_chains", **way) == (409, "FlowClassifierInUse")
    assert await neutron.refusal("DELETE", f"/sfc/port_pair_groups/{group}") == (409, "PortPairGroupInUse")
    assert await neutron.refusal("PUT", f"/sfc/port_chains/{chain}", flow_classifiers=[]) == (200, "")
    assert await neutron.refusal("DELETE", f"/sfc/flow_classifiers/{classifier}") == (204, "")


TCP = {"protocol": "tcp"}


@pytest.mark.parametrize(
    ("one", "other", "meet"),
    [
        (TCP, {}, True),
        (TCP, {"protocol": "udp"}, False),
        (TCP, TCP | {"ethertype": "IPv6"}, False),
        ({"source_ip_prefix": "10.0.0.0/8"}, {"source_ip_prefix": "10.1.0.0/16"}, True),
        ({"source_ip_prefix": "10.0.0.0/8"}, {"source_ip_prefix": "11.0.0.0/8"}, False),
        (TCP | {"source_port_range_max": 9}, TCP | {"source_port_range_min": 9}, True),
        (TCP | {"source_port_range_max": 9}, TCP | {"source_port_range_min": 10}, False),
    ],
)
async def test_classifiers_that_select_the_same_are_refused(
    neutron: Neutron, one: Any, other: Any, meet: bool
) -> None:
    await neutron.make("/sfc/flow_classifiers", **one)
    refused = (400, "FlowClassifierInConflict") if meet else (201, "")
    assert await neutron.refusal("POST", "/sfc/flow_classifiers", **other) == refused


async def test_flows_go_with_their_tap_service(neutron: Neutron) -> None:
    network = await neutron.id_of("/networks")
    port = await neutron.id_of("/ports", network_id=network)
    tap = await neutron.make("/taas/tap_services", port_id=port)
    flow = {"source_port": port, "tap_service_id": tap["id"], "direction": "IN"}
    assert (tap["status"], (await neutron.make("/taas/tap_flows", **flow))["status"]) == ("DOWN", "DOWN")
    neutron.clock.now += 1
    assert await neutron.status("/taas/tap_services", tap["id"]) == "ACTIVE"
    assert await neutron.refusal("DELETE", f"/taas/tap_services/{tap['id']}") == (204, "")
    neutron.clock.now += 1
    assert (await neutron.user.get(f"{N}/taas/tap_flows"))["tap_flows"] == []


async def test_gateways_stay_while_networks_are_connected(neutron: Neutron) -> None:
    network = await neutron.id_of("/networks")
    device = {"device_name": "d", "interfaces": [{"name": "i"}]}
    gateway = await neutron.id_of("/l2-gateways", devices=[device])
    both, path = {"l2_gateway_id": gateway, "network_id": network}, "/l2-gateway-connections"
    assert await neutron.refusal("POST", path, **both) == (400, "L2GatewaySegmentationRequired")
    await neutron.make(path, **both, segmentation_id="7")
    again = await neutron.refusal("POST", path, **both, segmentation_id="7")
    assert again == (409, "L2GatewayConnectionExists")
    assert await neutron.refusal("DELETE", f"/l2-gateways/{gateway}") == (409, "L2GatewayInUse")
    assert await neutron.refusal("PUT", f"/l2-gateways/{gateway}", devices=[device]) == (
        409,
        "L2GatewayInUse",
    )
    edge = f"/network-gateways/{await neutron.id_of('/network-gateways', devices=[{'id': 'd'}])}"
    link = {"network_id": network, "segmentation_type": "flat"}
    assert await neutron.refusal("PUT", f"{edge}/connect_network", network_id="x") == (404, "NetworkNotFound")
    assert await neutron.refusal("PUT", f"{edge}/connect_network", **link) == (200, "")
    used = (409, "GatewayConnectionInUse")
    assert await neutron.refusal("PUT", f"{edge}/connect_network", **link) == used
    assert await neutron.refusal("DELETE", edge) == (409, "GatewayInUse")
    assert await neutron.refusal("PUT", f"{edge}/disconnect_network", **link) == (200, "")
    lost = (404, "GatewayConnectionNotFound")
    assert await neutron.refusal("PUT", f"{edge}/disconnect_network", **link) == lost
    assert await neutron.refusal("DELETE", edge) == (204, "")
