"""A stack of about thirty resources in three versions, for tests that interrupt work on it.

Version 2 changes some resources in place, replaces some, drops some and adds some; ``broken`` adds
one that fails after the others have begun, which brings a rollback about.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

Template = dict[str, Any]

NESTED = "nested.yaml"
FILES = {
    NESTED: """
heat_template_version: 2018-08-31
parameters:
  network: {type: string}
  text: {type: string}
resources:
  group:
    type: OS::Neutron::SecurityGroup
    properties:
      description: {get_param: text}
  port:
    type: OS::Neutron::Port
    properties:
      network: {get_param: network}
      security_groups: [{get_resource: group}]
  disk:
    type: OS::Cinder::Volume
    properties: {size: 1, description: {get_param: text}}
outputs:
  port: {value: {get_resource: port}}
"""
}


def _ref(name: str) -> dict[str, str]:
    return {"get_resource": name}


def _resource(kind: str, **properties: Any) -> dict[str, Any]:
    return {"type": kind, "properties": properties}


def _port(net: str, **properties: Any) -> dict[str, Any]:
    fixed = [{"subnet": _ref(f"subnet_{net}")}]
    return _resource("OS::Neutron::Port", network=_ref(f"net_{net}"), fixed_ips=fixed, **properties)


def _rule(port: int) -> dict[str, Any]:
    return {"protocol": "tcp", "port_range_min": port, "port_range_max": port}


def _networks(version: int) -> dict[str, Any]:
    first = version == 1
    return {
        "net_a": _resource("OS::Neutron::Net"),
        "net_b": _resource("OS::Neutron::Net", tags=["a"] if first else ["a", "b"]),
        "subnet_a": _resource(
            "OS::Neutron::Subnet",
            network=_ref("net_a"),
            cidr="10.1.0.0/24",
            dns_nameservers=["192.0.2.1" if first else "192.0.2.2"],
        ),
        "subnet_b": _resource(
            "OS::Neutron::Subnet", network=_ref("net_b"), cidr="10.2.0.0/24" if first else "10.3.0.0/24"
        ),
        "router": _resource("OS::Neutron::Router", external_gateway_info={"network": "public"}),
        "interface_a": _resource(
            "OS::Neutron::RouterInterface", router=_ref("router"), subnet=_ref("subnet_a")
        ),
        "interface_b": _resource(
            "OS::Neutron::RouterInterface", router=_ref("router"), subnet=_ref("subnet_b")
        ),
        "web": _resource(
            "OS::Neutron::SecurityGroup", rules=[_rule(each) for each in ((22, 80) if first else (22, 443))]
        ),
        "db": _resource("OS::Neutron::SecurityGroup", description="The database's"),
        "db_rule": _resource("OS::Neutron::SecurityGroupRule", security_group=_ref("db"), **_rule(5432)),
    }


def _ports(version: int) -> dict[str, Any]:
    ports = {
        "port_0": _port("a", security_groups=[_ref("web")]),
        "port_1": _port("a" if version == 1 else "b"),
        "port_2": _port("a", name="second" if version == 1 else "renamed"),
        "port_3": _port("b"),
        "address": _resource("OS::Neutron::FloatingIP", floating_network="public"),
        "association": _resource(
            "OS::Neutron::FloatingIPAssociation", floatingip_id=_ref("address"), port_id=_ref("port_0")
        ),
    }
    ports["old_port" if version == 1 else "new_port"] = _port("a")
    return ports


def _storage(version: int) -> dict[str, Any]:
    return {
        "disk_a": _resource("OS::Cinder::Volume", size=1, description=f"Version {version}"),
        "disk_b": _resource("OS::Cinder::Volume", size=1, metadata={"version": str(version)}),
        "old_disk" if version == 1 else "new_disk": _resource("OS::Cinder::Volume", size=1),
        "word": _resource("OS::Heat::RandomString", length=16 * version),
        "value": _resource("OS::Heat::Value", value=version),
        "key": _resource("OS::Nova::KeyPair", name=f"key-{version}"),
        "handle": _resource("OS::Heat::WaitConditionHandle"),
    }


def _nested(version: int) -> dict[str, Any]:
    member = _resource("OS::Cinder::Volume", size=1, description=f"Disk %index% of version {version}")
    return {
        "group": _resource("OS::Heat::ResourceGroup", count=2 + version, resource_def=member),
        "inner": _resource(NESTED, network=_ref("net_a"), text=f"Version {version}")
        | {"depends_on": ["subnet_a"]},
    }


def _servers(version: int) -> dict[str, Any]:
    server = {"image": "cirros", "flavor": "m1.nano"}
    return {
        "server_a": _resource(
            "OS::Nova::Server",
            **server,
            key_name=_ref("key"),
            networks=[{"port": _ref("port_0")}],
            metadata={"version": str(version)},
        ),
        "server_b": _resource("OS::Nova::Server", **server, networks=[{"port": _ref("port_2")}]),
        "attachment": _resource(
            "OS::Cinder::VolumeAttachment", volume_id=_ref("disk_b"), instance_uuid=_ref("server_b")
        ),
    }


def template(version: int, known: Collection[str], *, broken: bool = False) -> Template:
    """The stack in a version; of resource types only those in ``known``."""
    kept = _networks(version) | _ports(version) | _storage(version) | _nested(version)
    if "OS::Nova::Server" in known:
        kept |= _servers(version)
    if broken:
        kept["broken"] = _resource("OS::Heat::TestResource", fail=True) | {"depends_on": ["port_0", "disk_a"]}
    return {
        "heat_template_version": "2018-08-31",
        "resources": kept,
        "outputs": {
            "version": {"value": {"get_attr": ["value", "value"]}},
            "word": {"value": {"get_attr": ["word", "value"]}},
            "port": {"value": _ref("port_1")},
            "inner": {"value": {"get_attr": ["inner", "port"]}},
            "disks": {"value": {"get_attr": ["group", "refs"]}},
        },
    }
