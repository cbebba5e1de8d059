"""A load balancer with one of each of its parts, as a template, and how each can be changed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tests.support.templates import hot

LB = "OS::Octavia::"


def ref(name: str) -> dict[str, str]:
    return {"get_resource": name}


PROPERTIES: Mapping[str, dict[str, Any]] = {
    "LoadBalancer": {"vip_subnet": ref("subnet")},
    "Listener": {"loadbalancer": ref("LoadBalancer"), "protocol": "HTTP", "protocol_port": 80},
    "Pool": {"listener": ref("Listener"), "protocol": "HTTP", "lb_algorithm": "ROUND_ROBIN"},
    "PoolMember": {
        "pool": ref("Pool"), "address": "10.0.0.7", "protocol_port": 8080, "subnet": ref("subnet"),
    },
    "HealthMonitor": {"pool": ref("Pool"), "type": "HTTP", "delay": 5, "timeout": 3, "max_retries": 3},
    "L7Policy": {"listener": ref("Listener"), "action": "REJECT"},
    "L7Rule": {"l7policy": ref("L7Policy"), "type": "PATH", "compare_type": "STARTS_WITH", "value": "/a"},
}  # fmt: skip
IN_PLACE: Mapping[str, dict[str, Any]] = {
    "LoadBalancer": {"description": "front", "name": "front"},
    "Listener": {"connection_limit": 100, "allowed_cidrs": ["10.0.0.0/8"]},
    "Pool": {"lb_algorithm": "SOURCE_IP", "session_persistence": {"type": "APP_COOKIE", "cookie_name": "c"}},
    "PoolMember": {"weight": 3, "tags": ["blue"]},
    "HealthMonitor": {"delay": 9, "url_path": "/health", "http_method": "HEAD", "expected_codes": "200,204"},
    "L7Policy": {"action": "REDIRECT_TO_URL", "redirect_url": "https://example.test/", "position": 1},
    "L7Rule": {"type": "HEADER", "key": "X-Kind", "compare_type": "EQUAL_TO", "value": "b", "invert": True},
}
REPLACING: Mapping[str, dict[str, Any]] = {
    "PoolMember": {"address": "10.0.0.8"},
    "HealthMonitor": {"type": "TCP"},
    "Listener": {"protocol_port": 81},
}

IN_ITS_PLACE: Mapping[str, dict[str, Any]] = {
    "PoolMember": {"monitor_port": 8081},
    "HealthMonitor": {"type": "HTTPS"},
}
"""Changes that replace what there can be only one of."""

POOL: Mapping[str, Any] = {
    "loadbalancer": ref("balancer"), "protocol": "HTTP", "lb_algorithm": "ROUND_ROBIN",
}  # fmt: skip


def template(*changes: Mapping[str, dict[str, Any]], **more: Any) -> dict[str, Any]:
    """The load balancer with all its parts, changed."""
    resources: dict[str, Any] = {
        "net": {"type": "OS::Neutron::Net"},
        "subnet": {
            "type": "OS::Neutron::Subnet",
            "properties": {"network": ref("net"), "cidr": "10.0.0.0/24"},
        },
    }
    for name, given in PROPERTIES.items():
        properties = given
        for change in changes:
            properties = properties | change.get(name, {})
        resources[name] = {"type": LB + name, "properties": properties}
    return hot(resources | more)


def pools(counts: Mapping[str, int], **changes: Any) -> dict[str, Any]:
    """A load balancer with pools of so many members; ``changes`` are properties of all of these."""
    resources: dict[str, Any] = {
        "net": {"type": "OS::Neutron::Net"},
        "subnet": {
            "type": "OS::Neutron::Subnet",
            "properties": {"network": ref("net"), "cidr": "10.0.0.0/24"},
        },
        "balancer": {"type": LB + "LoadBalancer", "properties": PROPERTIES["LoadBalancer"]},
    }
    for pool, count in counts.items():
        resources[pool] = {"type": LB + "Pool", "properties": POOL}
        resources |= {f"{pool}{port}": member(ref(pool), port, **changes) for port in range(1, count + 1)}
    return hot(resources)


def member(pool: Any, port: int, **more: Any) -> dict[str, Any]:
    properties = {"pool": pool, "address": "10.0.0.7", "protocol_port": port, **more}
    return {"type": LB + "PoolMember", "properties": properties}
