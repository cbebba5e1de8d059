from typing import Any

import pytest

from stackd.resources.base import Sibling
from stackd.template.unknown import Unknown
from tests.support.context import FakeContext, among

NET = Sibling("net", "OS::Neutron::Net", {})
SUBNET = Sibling("subnet", "OS::Neutron::Subnet", {"network": Unknown("net")})
INSIDE = Sibling("inside", "OS::Neutron::RouterInterface", {"router": "r", "subnet": Unknown("subnet")})
ELSEWHERE = Sibling("elsewhere", "OS::Neutron::RouterInterface", {"router": "r", "subnet": Unknown("x")})
BY_PORT = Sibling("by_port", "OS::Neutron::RouterInterface", {"router": "r", "port": Unknown("q")})
ROUTER = Sibling("router", "OS::Neutron::Router", {"external_gateway_info": {"network": "public"}})
CLOSED = Sibling("closed", "OS::Neutron::Router", {"external_gateway_info": None})
GATEWAY = Sibling("gateway", "OS::Neutron::RouterGateway", {"router_id": "r", "network_id": "public"})
ALL = [NET, SUBNET, INSIDE, ELSEWHERE, BY_PORT, ROUTER, CLOSED, GATEWAY]


def port(name: str = "port", **properties: Any) -> Any:
    return Sibling(name, "OS::Neutron::Port", {"network": Unknown("net"), **properties})


def floating_ip_requires(port_id: Any, *siblings: Any) -> Any:
    ctx = FakeContext("OS::Neutron::FloatingIP")
    props = ctx.load({"floating_network": "public", "port_id": port_id})
    return list(ctx.type.implicit_requires(props, among(*ALL, *siblings)))


def association_requires(port_id: Any, *siblings: Any) -> Any:
    ctx = FakeContext("OS::Neutron::FloatingIPAssociation")
    props = ctx.load({"floatingip_id": "f", "port_id": port_id})
    return list(ctx.type.implicit_requires(props, among(*ALL, *siblings)))


def test_address_without_port_requires_what_leads_to_its_network() -> None:
    assert floating_ip_requires(None, port()) == ["router", "gateway"]


@pytest.mark.parametrize(
    ("fixed_ips", "expected"),
    [
        ([{"subnet": Unknown("subnet")}], ["inside"]),
        ([{"subnet_id": Unknown("x")}, {"subnet": Unknown("subnet")}], ["inside", "elsewhere"]),
        ([{"ip_address": "10.0.0.5"}], []),
        (None, ["inside", "by_port"]),
        (Unknown("list"), ["inside", "by_port"]),
    ],
)
def test_address_of_port_requires_interfaces_on_its_subnets(fixed_ips: Any, expected: Any) -> None:
    found = floating_ip_requires(Unknown("port"), port(fixed_ips=fixed_ips), port("other"))
    assert found == ["router", "gateway", *expected]


def test_address_of_port_with_id_may_mean_any_port() -> None:
    assert floating_ip_requires("5f1682f2", port(fixed_ips=[{"subnet": Unknown("x")}])) == [
        "router",
        "gateway",
        "elsewhere",
    ]


def test_association_requires_the_interface_on_the_first_subnet() -> None:
    fixed_ips = [{"subnet": Unknown("subnet")}, {"subnet": Unknown("x")}]
    assert association_requires(Unknown("port"), port(fixed_ips=fixed_ips)) == ["inside"]
    assert association_requires(Unknown("other"), port(fixed_ips=fixed_ips)) == []
    assert association_requires(Unknown("port"), port()) == []
