"""Templates as people write them, of any size: what the language costs is measured with these."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import yaml

VERSION = "2021-04-16"
_BOOT = """#!/bin/sh
# first boot of $name
set -eu
hostname $name
printf '%s\\n' "$peer $name-peer" >> /etc/hosts
mkfs -t ext4 /dev/disk/by-id/virtio-$volume
mount /dev/disk/by-id/virtio-$volume /srv
curl -sS --retry 5 -d '{"role": "$role", "count": $count}' http://$registry/hello
"""
_PARAMETERS = {
    "prefix": {"type": "string", "default": "web", "constraints": [{"length": {"min": 1, "max": 20}}]},
    "image": {"type": "string", "default": "cirros"},
    "flavor": {"type": "string", "default": "m1.small"},
    "count": {"type": "number", "default": 3, "constraints": [{"range": {"min": 1, "max": 9}}]},
    "environment": {
        "type": "string",
        "default": "test",
        "constraints": [{"allowed_values": ["test", "live"]}],
    },
    "zones": {"type": "comma_delimited_list", "default": "nova,nova"},
    "labels": {"type": "json", "default": {"team": "blue", "tier": {"name": "front"}}},
}


def estate(count: int, changed: float = 0.0) -> dict[str, Any]:
    """A template of ``count`` resources of many types, joined by functions.

    ``changed`` is the share of servers that differ from those of the same call without it.
    """
    resources: dict[str, Any] = {
        "net": {"type": "OS::Neutron::Net", "properties": {"name": {"get_param": "prefix"}}},
        "subnet": {
            "type": "OS::Neutron::Subnet",
            "properties": {"network": {"get_resource": "net"}, "cidr": "10.0.0.0/8"},
        },
        "group": {
            "type": "OS::Neutron::SecurityGroup",
            "properties": {"rules": [_rule(p) for p in (22, 80)]},
        },
        "key": {"type": "OS::Heat::RandomString", "properties": {"length": 20}},
        "registry": {
            "type": "OS::Heat::Value",
            "properties": {"value": {"get_attr": ["subnet", "gateway_ip"]}},
        },
    }
    every = round(1 / changed) if changed else 0
    number = 0
    while len(resources) < count:
        moved = bool(every) and number % every == 0
        for name, body in _unit(number, "2" if moved else "").items():
            if len(resources) < count:
                resources[name] = body
        number += 1
    return {
        "heat_template_version": VERSION,
        "description": "Servers with ports and volumes behind one network",
        "parameters": _PARAMETERS,
        "conditions": {"live": {"equals": [{"get_param": "environment"}, "live"]}},
        "resources": resources,
        "outputs": {
            f"address{each}": {"value": {"get_attr": [f"server{each}", "first_address"]}}
            for each in range(number)
            if f"server{each}" in resources
        },
    }


def _rule(port: int) -> dict[str, Any]:
    return {"protocol": "tcp", "port_range_min": port, "port_range_max": port}


def _unit(number: int, suffix: str) -> dict[str, Any]:
    """Five resources that belong together."""
    name = {"list_join": ["-", [{"get_param": "prefix"}, "server", str(number)]]}
    boot = {
        "$name": name,
        "$peer": {"get_attr": [f"port{number}", "fixed_ips", 0, "ip_address"]},
        "$volume": {"get_resource": f"volume{number}"},
        "$role": {"if": ["live", "live", {"get_param": ["labels", "tier", "name"]}]},
        "$count": {"get_param": "count"},
        "$registry": {"get_attr": ["registry", "value"]},
    }
    metadata = {"map_merge": [{"get_param": "labels"}, {"number": str(number) + suffix}]}
    return {
        f"port{number}": {
            "type": "OS::Neutron::Port",
            "properties": {
                "network": {"get_resource": "net"},
                "security_groups": [{"get_resource": "group"}],
                "fixed_ips": [{"subnet": {"get_resource": "subnet"}}],
                "name": {
                    "str_replace": {
                        "template": "%p-port-%n",
                        "params": {"%p": {"get_param": "prefix"}, "%n": number},
                    }
                },
            },
        },
        f"volume{number}": {
            "type": "OS::Cinder::Volume",
            "properties": {
                "size": {"if": ["live", 20, 2]},
                "name": {"list_join": ["-", [{"get_param": "prefix"}, "volume", str(number)]]},
                "metadata": {"owner": {"get_param": ["labels", "team"]}},
            },
        },
        f"server{number}": {
            "type": "OS::Nova::Server",
            "metadata": {"zones": {"get_param": "zones"}},
            "properties": {
                "name": name,
                "image": {"get_param": "image"},
                "flavor": {"get_param": "flavor"},
                "networks": [{"port": {"get_resource": f"port{number}"}}],
                "availability_zone": {"get_param": ["zones", number % 2]},
                "metadata": metadata,
                "user_data_format": "RAW",
                "user_data": {"str_replace": {"template": _BOOT, "params": boot}},
            },
        },
        f"attachment{number}": {
            "type": "OS::Cinder::VolumeAttachment",
            "properties": {
                "instance_uuid": {"get_resource": f"server{number}"},
                "volume_id": {"get_resource": f"volume{number}"},
            },
        },
        f"known{number}": {
            "type": "OS::Heat::Value",
            "depends_on": f"attachment{number}",
            "properties": {
                "value": {
                    "host": name,
                    "address": {"get_attr": [f"server{number}", "first_address"]},
                    "url": {
                        "make_url": {
                            "scheme": "https",
                            "host": {"get_attr": ["registry", "value"]},
                            "path": "/x",
                        }
                    },
                }
            },
        },
    }


MEMBER = "member.yaml"


def nested(groups: int, members: int) -> tuple[dict[str, Any], dict[str, str]]:
    """A wide template of groups of a nested template, which has two resources, and its files."""
    inner = {
        "heat_template_version": VERSION,
        "parameters": {"label": {"type": "string"}, "size": {"type": "number", "default": 1}},
        "resources": {
            "volume": {
                "type": "OS::Cinder::Volume",
                "properties": {"name": {"get_param": "label"}, "size": {"get_param": "size"}},
            },
            "known": {
                "type": "OS::Heat::Value",
                "properties": {
                    "value": {"list_join": [":", [{"get_resource": "volume"}, {"get_param": "label"}]]}
                },
            },
        },
        "outputs": {"value": {"value": {"get_attr": ["known", "value"]}}},
    }
    group = {
        "type": "OS::Heat::ResourceGroup",
        "properties": {
            "count": members,
            "resource_def": {
                "type": MEMBER,
                "properties": {"label": "member-%index%", "size": {"get_param": "size"}},
            },
        },
    }
    outer = {
        "heat_template_version": VERSION,
        "parameters": {"size": {"type": "number", "default": 2}},
        "resources": {f"group{number}": group for number in range(groups)},
        "outputs": {
            f"all{number}": {"value": {"get_attr": [f"group{number}", "value"]}} for number in range(groups)
        },
    }
    return outer, {MEMBER: as_yaml(inner)}


def as_yaml(data: Mapping[str, Any]) -> str:
    """The template as people would send it, without aliases for what is the same object."""
    return str(yaml.dump(json.loads(json.dumps(data)), Dumper=yaml.CSafeDumper, sort_keys=False))
