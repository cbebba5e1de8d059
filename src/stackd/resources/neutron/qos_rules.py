"""What the rules of a QoS policy have in common.

A rule lives below its policy, which has at most one of each kind for a direction, and no name: the values of
a rule tell it apart.
"""

from __future__ import annotations

from typing import Any

from stackd.resources.constraints import between, one_of
from stackd.resources.entity import Entity
from stackd.resources.neutron.network import network
from stackd.resources.schema import IN_PLACE, Properties, prop


class QoSRuleProps(Properties):
    """Properties of all rules."""

    policy: str = prop("Name or id of the policy.", required=True, find="neutron.qos_policy")
    tenant_id: str | None = prop("Not used: a rule belongs to the project of its policy.")


def rules(kind: str) -> Entity:
    """The collection of the rules of one kind."""
    plural = f"{kind}_rules"
    path = f"/qos/policies/{{policy}}/{plural}"
    return network(f"{kind}_rule", plural=plural, path=path, name_field="", distinct=True, found_by=())


def direction(*others: str, since: str | None = None) -> Any:
    """Declare the direction of the traffic; ``others`` are possible besides the usual two."""
    allowed = one_of(*others, "egress", "ingress")
    return prop(
        "Direction of the traffic, seen from the port.",
        default="egress",
        update=IN_PLACE,
        constraints=[allowed],
        since=since,
    )


def rate(description: str, **others: Any) -> Any:
    """Declare a rate, which is not negative."""
    return prop(description, update=IN_PLACE, constraints=[between(0)], **others)
