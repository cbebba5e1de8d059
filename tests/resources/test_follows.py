"""The implicit dependencies of types: the table of those that Heat has, and what is guessed besides."""

from stackd.resources.follows import Follows, Named, Sibling, either, key_of
from stackd.resources.registry import load_registry
from stackd.template.unknown import Unknown
from tests.support.context import among

INTERFACE = "OS::Neutron::RouterInterface"
GATEWAY = "OS::Neutron::RouterGateway"
TABLE = {
    "OS::Neutron::Port": {"OS::Neutron::Subnet"},
    "OS::Nova::Server": {"OS::Neutron::Subnet"},
    "OS::Neutron::Router": {"OS::Neutron::Subnet"},
    GATEWAY: {INTERFACE, "OS::Neutron::Subnet"},
    "OS::Neutron::FloatingIP": {GATEWAY, "OS::Neutron::Router", INTERFACE},
    "OS::Neutron::FloatingIPAssociation": {INTERFACE},
    "OS::Neutron::FloatingIPPortForward": {INTERFACE},
    "OS::Neutron::ExtraRoute": {INTERFACE, GATEWAY},
    "OS::Neutron::ExtraRouteSet": {INTERFACE},
    "AWS::EC2::VPCGatewayAttachment": {"AWS::EC2::RouteTable"},
}
WAY_OUT = {"AWS::EC2::VPCGatewayAttachment", "AWS::EC2::SubnetRouteTableAssociation", INTERFACE, GATEWAY}
GUESSED = {
    "AWS::EC2::EIP": WAY_OUT,
    "AWS::EC2::EIPAssociation": WAY_OUT,
    "AWS::IAM::AccessKey": {"AWS::IAM::User"},
    "OS::Nova::Server": {INTERFACE},
    "OS::Neutron::FloatingIP": {INTERFACE},
    "OS::Neutron::FloatingIPAssociation": {INTERFACE},
    "OS::Neutron::FloatingIPPortForward": {INTERFACE},
    "OS::Neutron::VPNService": {INTERFACE},
    "OS::Designate::Zone": {"OS::Designate::Zone"},
    "OS::Nova::FloatingIPAssociation": {INTERFACE, GATEWAY},
    "OS::Blazar::Lease": {"OS::Blazar::Host"},
    "OS::Trove::Cluster": {INTERFACE, "OS::Neutron::Subnet"},
    "OS::Trove::Instance": {INTERFACE, "OS::Neutron::Subnet"},
}


def test_every_type_follows_what_it_follows_in_heat() -> None:
    for name, kind in load_registry().types.items():
        by_key = [each for each in kind.follows if isinstance(each, Follows)]
        assert {each.kind for each in by_key if not each.guess} == TABLE.get(name, set()), name
        assert {each.kind for each in by_key if each.guess} == GUESSED.get(name, set()), name


def test_a_name_in_a_text_is_followed_if_a_sibling_has_it() -> None:
    siblings = among(Sibling("up", "OS::Heat::ScalingPolicy", {}), Sibling("down", "OS::Heat::None", {}))
    named = Named(lambda properties: properties["actions"])
    assert named.find({"actions": ["up", "http://x"]}, siblings) == (frozenset({"up"}), frozenset())


def test_the_key_of_a_value_is_the_object_that_it_means() -> None:
    assert key_of(Unknown("net")) == Unknown("net")
    assert key_of("net") == "net"
    assert key_of(Unknown("net", ("id",))) == key_of(Unknown("", ("parameters", "p")))
    assert key_of(None) is None
    assert key_of("") is None


def test_first_value_under_current_or_former_name() -> None:
    assert either({"network": None, "network_id": "n"}, "network", "network_id") == "n"
    assert either({}, "network", "network_id") is None
