from __future__ import annotations

from collections.abc import Callable
from ipaddress import ip_address, ip_network
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stackd.devcloud.neutron.addresses import Addresses, PoolExhausted, default_pools, pool_numbers

N = "/network/v2.0"


async def make(user: Any, key: str, **values: Any) -> dict[str, Any]:
    path = {"security_group": "security-group"}.get(key, key.replace("_", "-"))
    made: dict[str, Any] = (await user.post(f"{N}/{path}s", {key: values}))[key]
    return made


async def refusal(user: Any, method: str, path: str, body: Any = None) -> tuple[int, str]:
    reply = await user.call(method, f"{N}{path}", body)
    return reply.status_code, reply.json()["NeutronError"]["type"]


async def wired(user: Any) -> tuple[str, str]:
    network = await make(user, "network", name="n")
    subnet = await make(user, "subnet", network_id=network["id"], cidr="10.1.0.0/28", ip_version=4)
    return network["id"], subnet["id"]


async def test_port_gets_an_address_and_the_default_group(demo: Any) -> None:
    network, subnet = await wired(demo)
    port = await make(demo, "port", network_id=network)
    assert port["fixed_ips"][0]["subnet_id"] == subnet
    assert ip_address(port["fixed_ips"][0]["ip_address"]) in ip_network("10.1.0.0/28")
    groups = (await demo.get(f"{N}/security-groups"))["security_groups"]
    assert [group["name"] for group in groups] == ["default"]
    assert port["security_groups"] == [groups[0]["id"]]
    assert (port["status"], port["device_id"]) == ("DOWN", "")


async def test_things_in_use_cannot_be_deleted(demo: Any) -> None:
    network, subnet = await wired(demo)
    group = (await make(demo, "security_group", name="g"))["id"]
    port = (await make(demo, "port", network_id=network, security_groups=[group]))["id"]
    assert await refusal(demo, "DELETE", f"/networks/{network}") == (409, "NetworkInUse")
    assert await refusal(demo, "DELETE", f"/subnets/{subnet}") == (409, "SubnetInUse")
    assert await refusal(demo, "DELETE", f"/security-groups/{group}") == (409, "SecurityGroupInUse")
    for path in (f"ports/{port}", f"security-groups/{group}", f"subnets/{subnet}", f"networks/{network}"):
        assert await demo.status("DELETE", f"{N}/{path}") == 204
    assert await refusal(demo, "GET", f"/networks/{network}") == (404, "NetworkNotFound")


async def test_router_floating_ip_story(demo: Any) -> None:
    network, subnet = await wired(demo)
    public = (await demo.get(f"{N}/networks?router:external=true"))["networks"][0]["id"]
    port = (await make(demo, "port", network_id=network))["id"]
    floating = {"floatingip": {"floating_network_id": public, "port_id": port}}
    missing = (404, "ExternalGatewayForFloatingIPNotFound")
    assert await refusal(demo, "POST", "/floatingips", floating) == missing
    router = (await make(demo, "router", external_gateway_info={"network_id": public}))["id"]
    joined = (
        await demo.call("PUT", f"{N}/routers/{router}/add_router_interface", {"subnet_id": subnet})
    ).json()
    again = await refusal(demo, "PUT", f"/routers/{router}/add_router_interface", {"subnet_id": subnet})
    assert again == (400, "BadRequest")
    made = await make(demo, "floatingip", floating_network_id=public, port_id=port)
    assert (made["router_id"], made["status"]) == (router, "ACTIVE")
    assert ip_address(made["floating_ip_address"]) in ip_network("172.24.4.0/22")
    leave = f"/routers/{router}/remove_router_interface"
    used = (409, "RouterInterfaceInUseByFloatingIP")
    assert await refusal(demo, "PUT", leave, {"subnet_id": subnet}) == used
    assert await refusal(demo, "DELETE", f"/ports/{joined['port_id']}") == (409, "ServicePortInUse")
    assert await refusal(demo, "DELETE", f"/routers/{router}") == (409, "RouterInUse")
    assert await demo.status("DELETE", f"{N}/floatingips/{made['id']}") == 204
    assert await demo.status("PUT", f"{N}{leave}", {"subnet_id": subnet}) == 200
    gone = (404, "RouterInterfaceNotFoundForSubnet")
    assert await refusal(demo, "PUT", leave, {"subnet_id": subnet}) == gone
    assert await demo.status("DELETE", f"{N}/routers/{router}") == 204
    internal = {"floatingip": {"floating_network_id": network}}
    assert await refusal(demo, "POST", "/floatingips", internal) == (400, "BadRequest")


async def test_bulk_create_is_all_or_nothing(build: Callable[..., Any]) -> None:
    cloud = build(quotas={"ports": 3})
    demo = await cloud.login("demo", "demo")
    network, _ = await wired(demo)
    bodies = [{"network_id": network, "name": f"p{number}"} for number in range(4)]
    assert await refusal(demo, "POST", "/ports", {"ports": bodies}) == (409, "OverQuota")
    assert (await demo.get(f"{N}/ports"))["ports"] == []
    made = (await demo.post(f"{N}/ports", {"ports": bodies[:3]}))["ports"]
    assert len({port["fixed_ips"][0]["ip_address"] for port in made}) == 3


async def test_input_is_checked_as_neutron_does(demo: Any) -> None:
    network, _ = await wired(demo)
    ports = {
        "IpAddressAlreadyAllocated": (409, [{"ip_address": "10.1.0.2"}]),
        "InvalidIpForNetwork": (400, [{"ip_address": "10.9.9.9"}]),
    }
    await make(demo, "port", network_id=network, fixed_ips=[{"ip_address": "10.1.0.2"}])
    for kind, (status, fixed) in ports.items():
        body = {"port": {"network_id": network, "fixed_ips": fixed}}
        assert await refusal(demo, "POST", "/ports", body) == (status, kind)
    overlap = {"subnet": {"network_id": network, "cidr": "10.1.0.0/24", "ip_version": 4}}
    assert await refusal(demo, "POST", "/subnets", overlap) == (400, "InvalidInput")
    assert await refusal(demo, "POST", "/networks", {"network": {"bad": 1}}) == (400, "HTTPBadRequest")
    assert await refusal(demo, "POST", "/networks", {}) == (400, "HTTPBadRequest")
    provider = {"network": {"provider:network_type": "vlan"}}
    assert await refusal(demo, "POST", "/networks", provider) == (403, "PolicyNotAuthorized")


async def test_security_group_rules_are_unique(demo: Any) -> None:
    group = await make(demo, "security_group", name="g")
    assert {rule["direction"] for rule in group["security_group_rules"]} == {"egress"}
    rule = {"security_group_id": group["id"], "direction": "ingress", "protocol": "tcp",
            "port_range_min": 1, "port_range_max": 2}  # fmt: skip
    await make(demo, "security_group_rule", **rule)
    again = await refusal(demo, "POST", "/security-group-rules", {"security_group_rule": rule})
    assert again == (409, "SecurityGroupRuleExists")


async def test_projects_do_not_see_each_other_unless_shared(cloud: Any, admin: Any, demo: Any) -> None:
    network = (await make(admin, "network", name="hidden"))["id"]
    assert await refusal(demo, "GET", f"/networks/{network}") == (404, "NetworkNotFound")
    policy = {"object_type": "network", "object_id": network, "action": "access_as_shared"}
    body = {"rbac_policy": policy | {"target_tenant": demo.project_id}}
    await admin.post(f"{N}/rbac-policies", body)
    shown = (await demo.get(f"{N}/networks/{network}"))["network"]
    assert (shown["name"], "provider:network_type" in shown) == ("hidden", False)
    assert await demo.status("DELETE", f"{N}/networks/{network}") == 403


async def test_lists_filter_and_page(demo: Any) -> None:
    ids = [(await make(demo, "network", name=name))["id"] for name in ("a", "b", "c")]
    named = (await demo.get(f"{N}/networks?name=a&name=c"))["networks"]
    assert [network["id"] for network in named] == [ids[0], ids[2]]
    assert [n["id"] for n in (await demo.get(f"{N}/networks?id={ids[1]}"))["networks"]] == [ids[1]]
    page = await demo.get(f"{N}/networks?name=a&name=b&limit=1")
    assert len(page["networks"]) == 1
    following = await demo.get(page["networks_links"][0]["href"])
    assert [network["id"] for network in following["networks"]] == [ids[1]]
    brief = await demo.get(f"{N}/networks?name=b&fields=id&fields=name")
    assert brief["networks"] == [{"id": ids[1], "name": "b"}]
    ordered = await demo.get(f"{N}/networks?sort_key=name&sort_dir=desc&router:external=false")
    assert [network["name"] for network in ordered["networks"]] == ["c", "b", "a"]


@given(st.integers(26, 30), st.lists(st.one_of(st.none(), st.integers(0, 60)), max_size=80))
def test_no_address_is_given_twice(length: int, moves: list[int | None]) -> None:
    network = ip_network(f"10.0.0.0/{length}")
    pools = default_pools(network, "10.0.0.1")
    book = Addresses(network, pool_numbers(pools))
    size = sum(last - first + 1 for first, last in book.pools)
    held: list[str] = []
    for move in moves:
        if move is not None and held:
            book.give_back(held.pop(move % len(held)))
        elif len(held) < size:
            address = book.take_any()
            assert address not in held
            assert address != "10.0.0.1"
            assert ip_address(address) in network
            held.append(address)
        else:
            with pytest.raises(PoolExhausted):
                book.take_any()
    assert book.used == {int(ip_address(address)) for address in held}
