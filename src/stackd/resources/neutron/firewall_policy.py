"""OS::Neutron::FirewallPolicy, rules in the order in which they are tried."""

from __future__ import annotations

from typing import Any, ClassVar

from stackd.resources.attributes import attr
from stackd.resources.neutron.firewalls import FirewallPart
from stackd.resources.neutron.plugged import DESCRIPTION, description_of, name_of, plugged
from stackd.resources.registry import resource_type
from stackd.resources.rest import Field, same
from stackd.resources.schema import IN_PLACE, Properties, prop


class FirewallPolicyProps(Properties):
    """Properties of a firewall policy."""

    name: str | None = name_of("policy")
    description: str | None = description_of("policy")
    shared: bool = prop("Whether every project may use the policy.", default=False, update=IN_PLACE)
    audited: bool = prop("Whether somebody has approved the policy as it is.", default=False, update=IN_PLACE)
    firewall_rules: list[Any] | None = prop(
        "Ids of the rules; the first that fits a packet decides.", update=IN_PLACE
    )


@resource_type("OS::Neutron::FirewallPolicy")
class FirewallPolicy(FirewallPart[FirewallPolicyProps]):
    """An ordered list of rules, which firewalls put in force."""

    entity = plugged("/fw/firewall_policies", "firewall_policy", "firewall_policies")
    fields: ClassVar = same("name", "shared", "audited") | {
        "description": DESCRIPTION,
        "firewall_rules": Field("firewall_rules", cleared=[]),
    }
    attributes: ClassVar = {
        "name": attr("Name of the policy."),
        "description": attr("What the policy is for."),
        "firewall_rules": attr("Ids of the rules in their order.", "list"),
        "shared": attr("Whether every project may use the policy."),
        "audited": attr("Whether somebody has approved the policy."),
        "tenant_id": attr("Project that owns the policy."),
    }
