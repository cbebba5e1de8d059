from typing import Any

import pytest

from stackd.resources.follows import Sibling
from stackd.template.unknown import Unknown
from tests.support.context import FakeContext, among, followed

ID = "0123abcd-0123-4567-89ab-0123456789ab"
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
    return followed(ctx, props, among(*ALL, *siblings))


def association_requires(port_id: Any, *siblings: Any) -> Any:
    ctx = FakeContext("OS::Neutron::FloatingIPAssociation")
    props = ctx.load({"floatingip_id": "f", "port_id": port_id})
    return followed(ctx, props, among(*ALL, *siblings))


def server(*networks: Any) -> Any:
    return Sibling("server", "OS::Nova::Server", {"networks": list(networks)})


def test_address_without_port_requires_what_leads_to_its_network() -> None:
    assert floating_ip_requires(None, port()) == {"router", "gateway"}


@pytest.mark.parametrize(
    ("fixed_ips", "expected"),
    [
        ([{"subnet": Unknown("subnet")}], {"inside"}),
        ([{"subnet_id": Unknown("x")}, {"subnet": Unknown("subnet")}], {"inside", "elsewhere"}),
        ([{"ip_address": "10.0.0.5"}], {"inside"}),
        (None, {"inside"}),
        (Unknown("list"), {"inside"}),
        ([{"subnet": Unknown("subnets", ("a",))}], {"inside", "elsewhere"}),
    ],
)
def test_address_of_port_requires_interfaces_on_its_subnets(fixed_ips: Any, expected: Any) -> None:
    siblings = (port(fixed_ips=fixed_ips), port("other", network=Unknown("far")))
    path = {"router", "gateway", "by_port", *expected}
    assert floating_ip_requires(Unknown("port"), *siblings) == path
    assert association_requires(Unknown("port"), *siblings) == {"by_port", *expected}


def test_address_of_an_unknown_port_requires_every_interface() -> None:
    every = {"router", "gateway", "inside", "elsewhere", "by_port"}
    assert floating_ip_requires("5f1682f2", port(fixed_ips=[{"subnet": Unknown("x")}])) == every
    assert floating_ip_requires(Unknown("group", ("refs", 0)), port()) == every


@pytest.mark.parametrize(
    ("networks", "expected"),
    [
        ([{"network": Unknown("net")}], {"inside"}),
        ([{"port": Unknown("port")}], {"inside"}),
        ([{"subnet": Unknown("x")}], {"elsewhere"}),
        ([{"network": "public-net"}], set()),
        ([Unknown("entry")], {"inside", "elsewhere"}),
        ([], {"inside", "elsewhere"}),
    ],
)
def test_address_of_a_servers_port_requires_interfaces_on_its_networks(networks: Any, expected: Any) -> None:
    port_id = Unknown("server", ("addresses", "net", 0, "port"))
    siblings = (server(*networks), port(fixed_ips=None))
    assert association_requires(port_id, *siblings) == {"by_port", *expected}


def test_server_with_a_floating_ip_requires_interfaces_on_its_subnet() -> None:
    ctx = FakeContext("OS::Nova::Server")
    entry = {"subnet": Unknown("subnet"), "floating_ip": Unknown("f")}
    reached = ctx.load({"flavor": "f", "networks": [entry, {"subnet": Unknown("x")}]})
    assert followed(ctx, reached, among(*ALL)) == {"subnet", "inside", "by_port"}


def test_subnets_of_the_cloud_may_be_the_same_under_name_and_id() -> None:
    named = Sibling("named", "OS::Neutron::RouterInterface", {"router": "r", "subnet": "inner"})
    same_id = port(network="n", fixed_ips=[{"subnet": ID}])
    other_name = port(network="n", fixed_ips=[{"subnet": "other"}])
    assert association_requires(Unknown("port"), named, same_id) == {"by_port", "named"}
    assert association_requires(Unknown("port"), named, other_name) == {"by_port"}
    assert association_requires(Unknown("port"), named, port(network="n")) == {"by_port", "named"}
