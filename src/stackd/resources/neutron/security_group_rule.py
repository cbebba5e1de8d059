"""OS::Neutron::SecurityGroupRule, one rule of a group that may be made elsewhere."""

from __future__ import annotations

from collections.abc import Sequence

from stackd.resources.base import Entity, ResourceType
from stackd.resources.constraints import between, custom, one_of
from stackd.resources.context import JSON, Context
from stackd.resources.neutron import objects
from stackd.resources.neutron.rules import Protocols, check_ports, rule_body, same_rule_key
from stackd.resources.registry import resource_type
from stackd.resources.schema import Properties, prop

_RULE = Entity(
    "network", "/security-group-rules", "security_group_rule", "security_group_rules", name_filter=""
)
_SAME = ("description", "direction", "ethertype", "port_range_min", "port_range_max", "protocol")


class SecurityGroupRuleProps(Properties):
    """Properties of a rule."""

    security_group: str = prop("Name or id of the group.", required=True, find="neutron.security_group")
    description: str | None = prop("What the rule is for.")
    direction: str = prop(
        "Whether the rule is for packets to or from the port.",
        default="ingress",
        constraints=[one_of("ingress", "egress")],
    )
    ethertype: str = prop(
        "Version of the Internet Protocol.", default="IPv4", constraints=[one_of("IPv4", "IPv6")]
    )
    port_range_min: int | None = prop("First port; the type for ICMP.", constraints=[between(0, 65535)])
    port_range_max: int | None = prop("Last port; the code for ICMP.", constraints=[between(0, 65535)])
    protocol: str = prop("Name or number of the protocol.", default="tcp", constraints=[Protocols()])
    remote_group: str | None = prop(
        "Name or id of the group of the ports on the other side.", find="neutron.security_group"
    )
    remote_ip_prefix: str | None = prop(
        "Addresses of the other side in CIDR notation.", constraints=[custom("net_cidr")]
    )


@resource_type("OS::Neutron::SecurityGroupRule", since="7.0.0")
class SecurityGroupRule(ResourceType[SecurityGroupRuleProps]):
    """A rule for a security group, such as one that belongs to another stack."""

    properties = SecurityGroupRuleProps
    service = "network"
    extension = "security-group"
    entity = _RULE

    def validate(self, props: SecurityGroupRuleProps) -> None:
        """The other side is a group or a range, and ports are in order."""
        objects.at_most_one(props, "remote_group", "remote_ip_prefix")
        check_ports(props.port_range_min, props.port_range_max, props.protocol, "properties")

    async def create(self, ctx: Context, props: SecurityGroupRuleProps) -> None:
        """Add the rule to its group."""
        body = {"security_group_rule": _body(props)}
        reply = await ctx.cloud.network.post("/security-group-rules", body)
        await ctx.created(reply["security_group_rule"]["id"], reply["security_group_rule"])

    async def find(self, ctx: Context, props: SecurityGroupRuleProps) -> Sequence[JSON]:
        """The same rule of the group: there can be only one."""
        query = {"security_group_id": props.security_group, "direction": props.direction}
        path, wanted = "/security-group-rules", same_rule_key(_body(props))
        rules: list[JSON] = await ctx.cloud.network.list_all(path, "security_group_rules", query)
        return [rule for rule in rules if same_rule_key(rule) == wanted]

    def broken(self, live: JSON) -> bool:
        """A rule that exists is good."""
        return objects.in_error(live)


def _body(props: SecurityGroupRuleProps) -> JSON:
    remote = {"remote_group_id": props.remote_group, "remote_ip_prefix": props.remote_ip_prefix}
    return rule_body({name: props.data.get(name) for name in _SAME} | remote, props.security_group)
