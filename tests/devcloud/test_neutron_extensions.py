"""What Neutron's extensions refuse, in its words: recorded from a real one."""

from typing import Any

import pytest

N = "/network/v2.0"
VLAN = {"segmentation_type": "vlan"}
HOP = {"destination": "10.1.0.0/16", "nexthop": "10.8.0.9"}


async def refusal(user: Any, method: str, path: str, body: Any = None) -> tuple[int, str]:
    reply = await user.call(method, f"{N}{path}", body)
    return reply.status_code, reply.json()["NeutronError"]["type"]


async def make(user: Any, path: str, key: str, **values: Any) -> str:
    made: str = (await user.post(f"{N}{path}", {key: values}))[key]["id"]
    return made


async def network(user: Any) -> tuple[str, str]:
    net = await make(user, "/networks", "network", name="n")
    return net, await make(user, "/subnets", "subnet", network_id=net, cidr="10.8.0.0/24", ip_version=4)


async def test_rules_of_a_policy_exclude_and_bound_each_other(admin: Any) -> None:
    policy = await make(admin, "/qos/policies", "policy", name="gold")

    async def refused(kind: str, **values: Any) -> tuple[int, str]:
        return await refusal(admin, "POST", f"/qos/policies/{policy}/{kind}_rules", {f"{kind}_rule": values})

    limit = await make(
        admin, f"/qos/policies/{policy}/bandwidth_limit_rules", "bandwidth_limit_rule", max_kbps=10
    )
    await make(
        admin, f"/qos/policies/{policy}/minimum_packet_rate_rules", "minimum_packet_rate_rule", min_kpps=1
    )
    assert await refused("bandwidth_limit", max_kbps=20) == (409, "QoSRulesConflict")
    assert await refused("minimum_bandwidth", min_kbps=20) == (409, "QoSRuleParameterConflict")
    assert await refused("minimum_packet_rate", min_kpps=1, direction="any") == (
        409,
        "QoSRuleParameterConflict",
    )
    assert await refused("dscp_marking", dscp_mark=9) == (400, "HTTPBadRequest")
    assert await refused("dscp_marking", dscp_mark=8, tenant_id="p") == (400, "HTTPBadRequest")
    assert await refused("dscp_marking") == (400, "HTTPBadRequest")
    path = f"/qos/policies/none/bandwidth_limit_rules/{limit}"
    assert await refusal(admin, "GET", path) == (404, "QosPolicyNotFound")
    net = await make(admin, "/networks", "network", name="n", qos_policy_id=policy)
    assert await refusal(admin, "DELETE", f"/qos/policies/{policy}") == (409, "QosPolicyInUse")
    wrong = {"network": {"qos_policy_id": "none"}}
    assert await refusal(admin, "PUT", f"/networks/{net}", wrong) == (404, "QosPolicyNotFound")
    rules = (await admin.get(f"{N}/qos/policies/{policy}"))["policy"]["rules"]
    assert [rule["type"] for rule in rules] == ["bandwidth_limit", "minimum_packet_rate"]


async def test_trunks_have_ports_of_their_own(demo: Any) -> None:
    net, _ = await network(demo)
    parent, one, two = [await make(demo, "/ports", "port", network_id=net) for _ in range(3)]
    first = {**VLAN, "port_id": one, "segmentation_id": 7}
    trunk = await make(demo, "/trunks", "trunk", port_id=parent, sub_ports=[first])

    async def refused(verb: str, **entry: Any) -> tuple[int, str]:
        return await refusal(demo, "PUT", f"/trunks/{trunk}/{verb}_subports", {"sub_ports": [entry]})

    assert await refused("add", **VLAN, port_id=two, segmentation_id=7) == (409, "DuplicateSubPort")
    assert await refused("add", **VLAN, port_id=one, segmentation_id=8) == (409, "TrunkPortInUse")
    assert await refused("add", **VLAN, port_id=two, segmentation_id=4095) == (400, "HTTPBadRequest")
    assert await refused("remove", port_id=two) == (404, "SubPortNotFound")
    assert await refusal(demo, "DELETE", f"/ports/{parent}") == (409, "PortInUseAsTrunkParent")
    assert await refusal(demo, "DELETE", f"/ports/{one}") == (409, "PortInUseAsSubPort")
    assert (await demo.get(f"{N}/trunks/{trunk}"))["trunk"]["sub_ports"] == [first]
    assert await demo.status("DELETE", f"{N}/trunks/{trunk}") == 204
    assert await demo.status("DELETE", f"{N}/ports/{one}") == 204


async def test_routes_and_forwardings_lead_where_the_router_is(demo: Any) -> None:
    net, subnet = await network(demo)
    port = (await demo.post(f"{N}/ports", {"port": {"network_id": net}}))["port"]
    public = (await demo.get(f"{N}/networks?name=public"))["networks"][0]["id"]
    router = await make(demo, "/routers", "router", name="r")
    floating = await make(demo, "/floatingips", "floatingip", floating_network_id=public)
    target = {"internal_port_id": port["id"], "internal_ip_address": port["fixed_ips"][0]["ip_address"]}
    forward = {"port_forwarding": {**target, "internal_port": 80, "external_port": 80, "protocol": "tcp"}}
    forwards, add = f"/floatingips/{floating}/port_forwardings", f"/routers/{router}/add_extraroutes"
    routes = {"router": {"routes": [HOP]}}
    assert await refusal(demo, "PUT", add, routes) == (400, "InvalidRoutes")
    assert await refusal(demo, "POST", forwards, forward) == (404, "ExternalGatewayForFloatingIPNotFound")

    inside, outside = {"subnet_id": subnet}, {"router": {"external_gateway_info": {"network_id": public}}}
    assert await demo.status("PUT", f"{N}/routers/{router}/add_router_interface", inside) == 200
    assert await demo.status("PUT", f"{N}/routers/{router}", outside) == 200
    assert await demo.status("PUT", f"{N}{add}", routes) == 200
    leave = f"/routers/{router}/remove_router_interface"
    assert await refusal(demo, "PUT", leave, inside) == (409, "RouterInterfaceInUseByRoute")
    assert await demo.status("PUT", f"{N}/routers/{router}/remove_extraroutes", routes) == 200

    made = (await demo.post(f"{N}{forwards}", forward))["port_forwarding"]["id"]
    assert await refusal(demo, "POST", forwards, forward) == (400, "BadRequest")
    assert await refusal(demo, "PUT", leave, inside) == (409, "RouterInterfaceInUseByFloatingIP")
    assert await refusal(demo, "DELETE", f"/floatingips/{floating}") == (409, "FipInUseByPortForwarding")
    elsewhere = {"port_forwarding": {"internal_ip_address": "10.8.0.200"}}
    assert await refusal(demo, "PUT", f"{forwards}/{made}", elsewhere) == (400, "BadRequest")
    assert await demo.status("DELETE", f"{N}{forwards}/{made}") == 204
    assert await demo.status("PUT", f"{N}{leave}", inside) == 200


POOL = {"name": "s", "prefixes": ["10.0.0.0/16", "10.1.0.0/16"], "default_prefixlen": 24}


async def test_pools_only_grow(admin: Any) -> None:
    pool = await make(admin, "/subnetpools", "subnetpool", **POOL)
    assert (await admin.get(f"{N}/subnetpools/{pool}"))["subnetpool"]["prefixes"] == ["10.0.0.0/15"]
    scope = await make(admin, "/address-scopes", "address_scope", name="six", ip_version=6)
    wrong: dict[str, tuple[Any, str]] = {
        "prefixes": (["10.2.0.0/16"], "IllegalSubnetPoolPrefixUpdate"),
        "min_prefixlen": (26, "IllegalSubnetPoolPrefixBounds"),
        "default_quota": (None, "InvalidInput"),
        "address_scope_id": (scope, "IllegalSubnetPoolIpVersionAssociation"),
    }
    for name, (value, kind) in wrong.items():
        body = {"subnetpool": {name: value}}
        assert await refusal(admin, "PUT", f"/subnetpools/{pool}", body) == (400, kind)


async def test_segments_meters_and_shares_are_checked(admin: Any, demo: Any) -> None:
    net, _ = await network(admin)
    ours = (await admin.get(f"{N}/segments?network_id={net}"))["segments"]
    assert [(each["name"], each["network_type"]) for each in ours] == [(None, "vxlan")]
    assert (await demo.get(f"{N}/segments"))["segments"] == []
    vlan = {"segment": {"network_id": net, "network_type": "vlan"}}
    assert await refusal(admin, "POST", "/segments", vlan) == (400, "InvalidInput")
    taken = {"network_type": "vxlan", "segmentation_id": ours[0]["segmentation_id"]}
    body = {"segment": {"network_id": net, **taken}}
    assert await refusal(admin, "POST", "/segments", body) == (409, "TunnelIdInUse")

    label = await make(admin, "/metering/metering-labels", "metering_label", name="l")
    rule = {"metering_label_id": label, "remote_ip_prefix": "10.0.0.0/8"}
    await make(admin, "/metering/metering-label-rules", "metering_label_rule", **rule)
    double = {"metering_label_rule": {**rule, "remote_ip_prefix": "10.1.0.0/16"}}
    overlaps = (409, "MeteringLabelRuleOverlaps")
    assert await refusal(admin, "POST", "/metering/metering-label-rules", double) == overlaps
    assert await refusal(demo, "POST", "/metering/metering-labels", {"metering_label": {}}) == (
        403,
        "PolicyNotAuthorized",
    )

    share = {"object_type": "network", "object_id": net, "action": "access_as_shared"}
    named = {"rbac_policy": {**share, "target_tenant": "demo"}}
    assert await refusal(admin, "POST", "/rbac-policies", named) == (400, "InvalidInput")
    await make(admin, "/rbac-policies", "rbac_policy", **share, target_tenant=demo.project_id)
    again = {"rbac_policy": {**share, "target_tenant": demo.project_id}}
    assert await refusal(admin, "POST", "/rbac-policies", again) == (409, "DuplicateRbacPolicy")
    assert (await demo.get(f"{N}/networks/{net}"))["network"]["id"] == net


@pytest.mark.parametrize("alias", ["trunk", "segment", "metering", "qos-pps-minimum", "extraroute-atomic"])
async def test_extensions_are_announced(demo: Any, alias: str) -> None:
    assert (await demo.get(f"{N}/extensions/{alias}"))["extension"]["alias"] == alias
