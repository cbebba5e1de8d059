"""A stack with a cluster, its template, and a container, and how each can be changed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tests.support.templates import hot


def ref(name: str) -> dict[str, str]:
    return {"get_resource": name}


RESOURCES: Mapping[str, Any] = {
    "net": {"type": "OS::Neutron::Net"},
    "subnet": {"type": "OS::Neutron::Subnet", "properties": {"network": ref("net"), "cidr": "10.0.0.0/24"}},
    "other": {"type": "OS::Neutron::Net"},
    "beside": {
        "type": "OS::Neutron::Subnet",
        "properties": {"network": ref("other"), "cidr": "10.0.1.0/24"},
    },
    "port": {"type": "OS::Neutron::Port", "properties": {"network": ref("net")}, "depends_on": "subnet"},
    "volume": {"type": "OS::Cinder::Volume", "properties": {"size": 1}},
    "plan": {
        "type": "OS::Magnum::ClusterTemplate",
        "properties": {
            "coe": "kubernetes", "image": "cirros", "external_network": "public", "flavor": "m1.small",
            "master_flavor": "m1.small", "docker_volume_size": 5, "labels": {"boot_volume_size": "10"},
        },
    },
    "cluster": {
        "type": "OS::Magnum::Cluster",
        "properties": {"cluster_template": ref("plan"), "node_count": 2},
    },
    "box": {
        "type": "OS::Zun::Container",
        "depends_on": ["subnet", "beside"],
        "properties": {
            "image": "cirros", "command": "sleep 1000", "memory": 64, "networks": [{"network": ref("net")}],
            "mounts": [{"volume_id": ref("volume"), "mount_path": "/data"}], "environment": {"A": 1},
        },
    },
    "old": {"type": "OS::Magnum::Bay", "properties": {"anything": 1}},
}  # fmt: skip
IN_PLACE: Mapping[str, dict[str, Any]] = {
    "cluster": {"node_count": 3},
    "box": {"name": "renamed", "memory": 128, "networks": [{"network": ref("other")}]},
}
REPLACING: Mapping[str, dict[str, Any]] = {
    "plan": {"dns_nameserver": "10.0.0.2"},
    "box": {"command": "sleep 2000"},
}
OUTPUTS: Mapping[str, Any] = {
    "nodes": {"get_attr": ["cluster", "node_addresses"]},
    "status": {"get_attr": ["cluster", "status"]},
    "of": {"get_attr": ["cluster", "cluster_template_id"]},
    "engine": {"get_attr": ["plan", "show", "coe"]},
    "name": {"get_attr": ["box", "name"]},
    "addresses": {"get_attr": ["box", "addresses"]},
}


def template(*changes: Mapping[str, dict[str, Any]]) -> dict[str, Any]:
    """The stack, changed."""
    resources: dict[str, Any] = {}
    for name, each in RESOURCES.items():
        properties = each.get("properties", {})
        for change in changes:
            properties = properties | change.get(name, {})
        resources[name] = each | {"properties": properties}
    return hot(resources) | {"outputs": {name: {"value": value} for name, value in OUTPUTS.items()}}


def some(*names: str, **changes: dict[str, Any]) -> dict[str, Any]:
    """Only these resources, with other properties where ``changes`` say so."""
    whole = template(changes)["resources"]
    return hot({name: whole[name] for name in names})
