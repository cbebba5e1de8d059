"""Groups behind load balancers: the resource beside a group's instances that says where these are. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any, Final

from stackd.errors import PropertyError
from stackd.records import Action, Resource
from stackd.resources.base import Batch, Child, Members
from stackd.resources.follows import Siblings
from stackd.template.unknown import Unknown

MEMBERS: Final = "Stackd::LoadBalancer::Members"
NAMES: Final = "LoadBalancers"
ADDRESSES: Final = "Addresses"
_BESIDE: Final = "load_balancers"
"""The name of the resource; instances have names of letters and digits."""

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


def beside(names: Any) -> int:
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


def announced(child: Child, names: Any) -> Child:
    """The stack of a group with the resource that says where the instances are, if load balancers want it."""
    if not beside(names) or not isinstance(child.template, Mapping):
        return child
    instances = child.template["resources"]
    addresses = [{"get_attr": [name, "PrivateIp"]} for name in instances]
    announcement = {"type": MEMBERS, "properties": {NAMES: names, ADDRESSES: addresses}}
    return replace(child, template={**child.template, "resources": {**instances, _BESIDE: announcement}})


def all_announced(batches: Iterable[Batch], names: Any) -> list[Batch]:
    """The steps of a change with that resource in each."""
    return [replace(batch, child=announced(batch.child, names)) for batch in batches]


def addresses_for(balancer: str, found: Iterable[Resource]) -> Iterator[str]:
    """The addresses that resources of type ``MEMBERS`` have for a load balancer."""
    for row in found:
        if row.action is not Action.DELETE and balancer in (row.properties.get(NAMES) or ()):
            yield from (str(each) for each in row.properties.get(ADDRESSES) or () if each)
