"""What a thousand objects of one kind cost on a slow cloud, against the least that the service allows."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from bench.processes import System, system
from bench.results import Result
from bench.stacks import create, stack_url, template

CONCURRENCY: Final = 50
"""Calls to the cloud at a time."""
LATENCY: Final = 0.05
"""Seconds that each takes."""

T = TypeVar("T")
JSON = dict[str, Any]
Properties = Callable[[int, Mapping[str, str]], JSON]


@dataclass(frozen=True, slots=True)
class Kind:
    """Objects of one type; ``properties`` gives those of each by its number and the ids of the ``parents``.

    So many ``calls`` make up to ``together`` of them. If ``serial``, the service works on one call at a time.
    """

    label: str
    type: str
    parents: Mapping[str, JSON]
    properties: Properties
    together: int = 1
    calls: int = 1
    serial: bool = False

    def fewest(self, count: int) -> int:
        """The calls that so many objects take at least."""
        return -(-count // self.together) * self.calls

    def bound(self, count: int) -> float:
        """The seconds that so many objects take at least if each takes a call, or if all are in series."""
        return (self.fewest(count) if self.serial else -(-count // CONCURRENCY)) * LATENCY


def _resource(kind: str, **properties: Any) -> JSON:
    return {"type": kind, "properties": properties}


def _ref(name: str) -> JSON:
    return {"get_resource": name}


_NETWORK: Final = {"network": _resource("OS::Neutron::Net")}
_SUBNET: Final = _NETWORK | {
    "subnet": _resource("OS::Neutron::Subnet", network=_ref("network"), cidr="10.0.0.0/16")
}
_POOL: Final = _SUBNET | {
    "balancer": _resource("OS::Octavia::LoadBalancer", vip_subnet=_ref("subnet")),
    "pool": _resource(
        "OS::Octavia::Pool", loadbalancer=_ref("balancer"), protocol="TCP", lb_algorithm="ROUND_ROBIN"
    ),
}

KINDS: Final = (
    Kind(
        *("subnets", "OS::Neutron::Subnet", {f"n{number}": _NETWORK["network"] for number in range(20)}),
        lambda number, ids: {
            "network": ids[f"n{number % 20}"],
            "cidr": f"10.{number // 256}.{number % 256}.0/24",
        },
        together=50,
    ),
    Kind("ports", "OS::Neutron::Port", _SUBNET, lambda number, ids: {"network": ids["network"]}, together=50),
    Kind(
        *("rules", "OS::Neutron::SecurityGroupRule", {"group": _resource("OS::Neutron::SecurityGroup")}),
        lambda number, ids: {
            "security_group": ids["group"],
            "port_range_min": number + 1,
            "port_range_max": number + 1,
        },
        together=50,
    ),
    Kind("groups", "OS::Neutron::SecurityGroup", {}, lambda number, ids: {}, together=50),
    Kind(
        *("members", "OS::Octavia::PoolMember", _POOL),
        lambda number, ids: {
            "pool": ids["pool"],
            "address": f"10.0.{number // 250}.{number % 250 + 1}",
            "protocol_port": 80,
        },
        together=50,
        calls=3,  # what there is, the change, what there is then
        serial=True,  # a load balancer refuses a change during another
    ),
    Kind(
        *("records", "OS::Designate::RecordSet"),
        {"zone": _resource("OS::Designate::Zone", name="bench.test.", email="a@bench.test")},
        lambda number, ids: {
            "zone": ids["zone"],
            "name": f"r{number}",
            "type": "A",
            "records": ["192.0.2.1"],
        },
    ),
)


async def bulk(quick: bool) -> list[Result]:
    """A stack of a thousand objects for each kind."""
    count = 50 if quick else 1000
    results: list[Result] = []
    async with system(LATENCY, {"STACKD_CLIENTS__MAX_CONCURRENCY": str(CONCURRENCY)}) as target:
        for kind in KINDS:
            results += await _measured(target, kind, count)
    return results


async def _measured(target: System, kind: Kind, count: int) -> list[Result]:
    ids = await _parents(target, kind)
    body = template(
        {f"r{number}": _resource(kind.type, **kind.properties(number, ids)) for number in range(count)}
    )
    seconds, calls = await counted(target, create(target, kind.label, body))
    fewest, bound = kind.fewest(count), kind.bound(count)
    detail = {"seconds": seconds, "fewest": fewest, "bound": bound, **calls}
    return [
        Result(f"{count} {kind.label}, calls ÷ fewest", calls["total"] / fewest, "×", detail=detail),
        Result(f"{count} {kind.label} at 50 ms, wall ÷ bound", seconds / bound, "×"),
    ]


async def _parents(target: System, kind: Kind) -> dict[str, str]:
    if not kind.parents:
        return {}
    await create(target, f"{kind.label}-parents", template(kind.parents))
    url = f"{await stack_url(target, f'{kind.label}-parents')}/resources"
    async with target.http.get(url, headers=target.headers) as answer:
        listed = (await answer.json())["resources"]
    return {each["resource_name"]: each["physical_resource_id"] for each in listed}


async def counted(target: System, work: Awaitable[T]) -> tuple[T, JSON]:
    """The outcome of work, and the calls to the cloud meanwhile."""
    async with target.http.delete(f"{target.cloud_url}/_dev/state") as answer:
        await answer.read()
    outcome = await work
    async with target.http.get(f"{target.cloud_url}/_dev/counts") as answer:
        calls: JSON = await answer.json()
    return outcome, calls
