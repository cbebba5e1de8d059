"""Groups behind load balancers: the resource beside a group's instances that says where these are. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from stackd.errors import PropertyError
from stackd.records import Action, Resource
from stackd.resources.aws.instance_parts import NO_ADDRESS
from stackd.resources.base import Batch, Child, Members
from stackd.resources.follows import Siblings
from stackd.template.unknown import Unknown

MEMBERS: Final = "Stackd::LoadBalancer::Members"
NAMES: Final = "LoadBalancers"
ADDRESSES: Final = "Addresses"
_BESIDE: Final = "load_balancers"
"""The name of the resource; instances have names of letters and digits."""

_STOPPING: Final = ("InstanceType", "SubnetId", "NetworkInterfaces")
_BALANCER: Final = "AWS::ElasticLoadBalancing::LoadBalancer"


def check(names: Any, siblings: Siblings) -> None:
    """Refuse what is no load balancer of the stack; unknown ones are not judged."""
    for index, name in enumerate(names if isinstance(names, list) else ()):
        if isinstance(name, Unknown) and not name.resource:
            continue
        meant = name.resource if isinstance(name, Unknown) and not name.path else name
        found = siblings.named(meant) if isinstance(meant, str) else None
        if found is None or found.kind != _BALANCER:
            shown = name.resource if isinstance(name, Unknown) else name
            raise PropertyError(
                f"Unsupported resource '{shown!s:.200}' in LoadBalancerNames",
                path=f"properties.LoadBalancerNames[{index}]",
                remedy=f"Refer to a resource of type {_BALANCER} of the same stack.",
            )


def others(names: Any) -> int:
    """How many resources a group has besides its instances."""
    return 1 if names else 0


def instances_of(members: Members) -> Members:
    """The members that are instances."""

    def without(values: Mapping[str, Any]) -> dict[str, Any]:
        return {name: each for name, each in values.items() if name != _BESIDE}

    return replace(
        members,
        resources=without(members.resources),
        references=without(members.references),
        definitions=without(members.definitions),
        adopted=[name for name in members.adopted if name != _BESIDE],
    )


def announced(child: Child, names: Any, resting: Collection[str] = ()) -> Child:
    """The stack of a group with the resource that says where the instances are, if load balancers want it.

    Instances that are ``resting`` get no connections.
    """
    if not others(names) or not isinstance(child.template, Mapping):
        return child
    instances = child.template["resources"]
    addresses = [{"get_attr": [name, "PrivateIp"]} for name in instances if name not in resting]
    announcement = {"type": MEMBERS, "properties": {NAMES: names, ADDRESSES: addresses}}
    return replace(child, template={**child.template, "resources": {**instances, _BESIDE: announcement}})


def all_announced(batches: Sequence[Batch], names: Any, before: Mapping[str, Any]) -> list[Batch]:
    """The steps of a change with that resource in each; ``before`` are the definitions that members have.

    An instance that stops for its change rests during the step; if one does so in the last step, another step
    follows. All together never rest.
    """
    steps: list[Batch] = []
    resting: set[str] = set()
    for batch in batches:
        now = batch.child.template["resources"] if isinstance(batch.child.template, Mapping) else {}
        stopping = {name for name, each in now.items() if name in before and _stops(before[name], each)}
        resting = stopping if others(names) and stopping != now.keys() else set()
        steps.append(replace(batch, child=announced(batch.child, names, resting)))
        before = now
    if steps and resting:
        steps[-1] = replace(steps[-1], pause=0.0)
        steps.append(Batch(announced(batches[-1].child, names)))
    return steps


def _stops(old: Mapping[str, Any], new: Mapping[str, Any]) -> bool:
    """Whether an instance does not work while its definition changes; one that is replaced goes on."""
    changed = [old["properties"].get(name) != new["properties"].get(name) for name in _STOPPING]
    return any(changed)


def addresses_for(balancer: str, found: Iterable[Resource]) -> Iterator[str]:
    """The addresses that resources of type ``MEMBERS`` have for a load balancer."""
    for row in found:
        if row.action is not Action.DELETE and balancer in (row.properties.get(NAMES) or ()):
            given = row.properties.get(ADDRESSES) or ()
            yield from (str(each) for each in given if each and each != NO_ADDRESS)
