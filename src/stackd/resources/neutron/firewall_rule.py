"""OS::Neutron::FirewallRule, which packets pass and which do not."""

from __future__ import annotations

from typing import Any, ClassVar

from stackd.resources.attributes import attr
from stackd.resources.constraints import custom, one_of
from stackd.resources.neutron.firewalls import FirewallPart
from stackd.resources.neutron.plugged import DESCRIPTION, description_of, name_of, plugged
from stackd.resources.registry import resource_type
from stackd.resources.rest import Field, same
from stackd.resources.schema import IN_PLACE, Properties, prop

_ANY = "any"


def _range(end: str) -> Any:
    return prop(
        f"Addresses that packets {end}, in CIDR notation.", update=IN_PLACE, constraints=[custom("net_cidr")]
    )


def _ports(end: str) -> Any:
    return prop(f"Port, or range of ports `a:b`, that packets {end}.", update=IN_PLACE)


class FirewallRuleProps(Properties):
    """Properties of a firewall rule."""

    name: str | None = name_of("rule")
    description: str | None = description_of("rule")
    shared: bool = prop("Whether every project may use the rule.", default=False, update=IN_PLACE)
    protocol: str = prop(
        "Protocol of the packets.",
        default=_ANY,
        update=IN_PLACE,
        constraints=[one_of("tcp", "udp", "icmp", _ANY)],
    )
    ip_version: str = prop(
        "Version of the Internet Protocol.", default="4", update=IN_PLACE, constraints=[one_of("4", "6")]
    )
    source_ip_address: str | None = _range("come from")
    destination_ip_address: str | None = _range("go to")
    source_port: str | None = _ports("come from")
    destination_port: str | None = _ports("go to")
    action: str = prop(
        "What happens to the packets.",
        default="deny",
        update=IN_PLACE,
        constraints=[one_of("allow", "deny")],
    )
    enabled: bool = prop("Whether the rule counts.", default=True, update=IN_PLACE)


@resource_type("OS::Neutron::FirewallRule")
class FirewallRule(FirewallPart[FirewallRuleProps]):
    """Lets packets pass or not; it takes effect by a policy. Any protocol is null to the service."""

    entity = plugged("/fw/firewall_rules", "firewall_rule", "firewall_rules")
    fields: ClassVar = same("name", "shared", "ip_version", "action", "enabled") | {
        "description": DESCRIPTION,
        "protocol": Field("protocol", convert=lambda protocol: None if protocol == _ANY else protocol),
        **{
            name: Field(name, cleared=None)
            for name in ("source_ip_address", "destination_ip_address", "source_port", "destination_port")
        },
    }
    attributes: ClassVar = {
        "name": attr("Name of the rule."),
        "description": attr("What the rule is for."),
        "firewall_policy_id": attr("Id of the policy that has the rule."),
        "shared": attr("Whether every project may use the rule."),
        "protocol": attr("Protocol of the packets; null is any."),
        "ip_version": attr("Version of the Internet Protocol."),
        "source_ip_address": attr("Addresses that packets come from."),
        "destination_ip_address": attr("Addresses that packets go to."),
        "source_port": attr("Ports that packets come from."),
        "destination_port": attr("Ports that packets go to."),
        "action": attr("What happens to the packets."),
        "enabled": attr("Whether the rule counts."),
        "position": attr("Place of the rule in its policy, from 1."),
        "tenant_id": attr("Project that owns the rule."),
    }
