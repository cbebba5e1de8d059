"""Floating IPs and the router interfaces that they need, in order on the dev cloud, whatever the port is."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.support.engine import Process, world
from tests.support.templates import hot

NEUTRON = "OS::Neutron"
SLOW = [{"service": "network", "method": "PUT", "path": "router_interface", "effect": "delay", "seconds": 5}]
"""Both making and removing an interface take so long that nothing is in order by chance."""

PORTS = {
    "plain": {"get_resource": "port"},
    "addressed": {"get_resource": "addressed"},
    "server": {"get_attr": ["server", "addresses", {"get_resource": "net"}, 0, "port"]},
    "from_outside": {"get_attr": ["carried", "value"]},
}


def network() -> dict[str, Any]:
    net = {"get_resource": "net"}
    connection = {"router": {"get_resource": "router"}, "subnet": {"get_attr": ["subnet_id", "value"]}}
    gateway = {"external_gateway_info": {"network": "public"}}
    return {
        "net": {"type": f"{NEUTRON}::Net"},
        "subnet": {
            "type": f"{NEUTRON}::Subnet",
            "properties": {"network": {"get_attr": ["net", "show", "id"]}, "cidr": "10.9.0.0/24"},
        },
        "subnet_id": {"type": "OS::Heat::Value", "properties": {"value": {"get_resource": "subnet"}}},
        "router": {"type": f"{NEUTRON}::Router", "properties": gateway},
        "interface": {"type": f"{NEUTRON}::RouterInterface", "properties": connection},
        "port": {"type": f"{NEUTRON}::Port", "properties": {"network": net}},
        "addressed": {
            "type": f"{NEUTRON}::Port",
            "properties": {"network": net, "fixed_ips": [{"ip_address": "10.9.0.77"}]},
        },
        "server": {
            "type": "OS::Nova::Server",
            "properties": {"flavor": "m1.small", "image": "cirros", "networks": [{"network": net}]},
        },
        "third": {"type": f"{NEUTRON}::Port", "properties": {"network": net}},
        "carried": {"type": "OS::Heat::Value", "properties": {"value": {"get_resource": "third"}}},
    }


def with_addresses() -> Any:
    """Every kind of port reached by an address, or by the association of one."""
    resources = network()
    for number, (name, port) in enumerate(PORTS.items()):
        properties: dict[str, Any] = {"floating_network": "public"}
        if number % 2:
            resources[f"ip_{name}"] = {"type": f"{NEUTRON}::FloatingIP", "properties": properties}
            link = {"floatingip_id": {"get_resource": f"ip_{name}"}, "port_id": port}
            name, kind, properties = f"{name}_link", "FloatingIPAssociation", link
        else:
            kind, properties = "FloatingIP", {**properties, "port_id": port}
        resources[f"to_{name}"] = {"type": f"{NEUTRON}::{kind}", "properties": properties}
    entry = {"network": {"get_resource": "net"}, "subnet": {"get_resource": "subnet"}}
    entry["floating_ip"] = {"get_resource": "own"}
    resources["own"] = {"type": f"{NEUTRON}::FloatingIP", "properties": {"floating_network": "public"}}
    properties = {"flavor": "m1.small", "image": "cirros", "networks": [entry]}
    resources["to_reached"] = {"type": "OS::Nova::Server", "properties": properties}
    return hot(resources)


def in_order(told: Sequence[str], first: str, then: Sequence[str]) -> bool:
    return all(told.index(first) < told.index(each) for each in then)


async def test_addresses_come_after_the_interface_that_they_need_and_go_before_it(tmp_path: Path) -> None:
    async with world(tmp_path) as made, made.process() as process:
        made.cloud.faults.replace(SLOW)
        template = with_addresses()
        reaching = [name for name in template["resources"] if name.startswith("to_")]
        assert len(reaching) == len(PORTS) + 1
        stack = await process.done(await process.create("s", template))
        assert stack.reason == "Stack CREATE completed successfully"
        told = await process.told(stack)
        created = [f"{name} CREATE_IN_PROGRESS" for name in reaching]
        assert in_order(told, "interface CREATE_COMPLETE", created)
        assert sum(each["status"] == "ACTIVE" for each in made.objects("floatingips")) == len(reaching)
        await gone_in_order(process, stack, reaching)
        assert made.counts() == {}


async def gone_in_order(process: Process, stack: Any, reaching: Sequence[str]) -> None:
    await process.done(await process.delete(stack))
    told = await process.told(stack)
    begun = told.index("interface DELETE_IN_PROGRESS")
    assert all(told.index(f"{name} DELETE_COMPLETE") < begun for name in reaching)
    assert not [each for each in told if each.endswith("FAILED")]
