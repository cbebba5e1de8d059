"""OS::Neutron::SecurityGroupRule, one rule of a group that may be made elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from stackd.resources.context import JSON, Context
from stackd.resources.neutron.network import network
from stackd.resources.neutron.rules import PacketProps, Protocols, check_ports, same_rule_key
from stackd.resources.registry import resource_type
from stackd.resources.rest import RestResource, same
from stackd.resources.rules import at_most_one
from stackd.resources.schema import prop


class SecurityGroupRuleProps(PacketProps):
    """Properties of a rule."""

    security_group: str = prop("Name or id of the group.", required=True, find="neutron.security_group")
    description: str | None = prop("What the rule is for.")
    protocol: str = prop("Name or number of the protocol.", default="tcp", constraints=[Protocols()])
    remote_group: str | None = prop(
        "Name or id of the group of the ports on the other side.", find="neutron.security_group"
    )


@resource_type("OS::Neutron::SecurityGroupRule", since="7.0.0")
class SecurityGroupRule(RestResource[SecurityGroupRuleProps]):
    """A rule for a security group, such as one that belongs to another stack."""

    extension = "security-group"
    entity = network("security_group_rule", name_field="")
    survives = True
    fields: ClassVar = {
        **same("description", "direction", "ethertype", "port_range_min", "port_range_max", "protocol"),
        "security_group": "security_group_id",
        "remote_group": "remote_group_id",
        "remote_ip_prefix": "remote_ip_prefix",
    }

    def validate(self, props: SecurityGroupRuleProps) -> None:
        """The other side is a group or a range, and ports are in order."""
        at_most_one(props, "remote_group", "remote_ip_prefix")
        check_ports(props.port_range_min, props.port_range_max, props.protocol, "properties")

    async def find(self, ctx: Context, props: SecurityGroupRuleProps) -> Sequence[JSON]:
        """The same rule of the group: there can be only one."""
        query = {"security_group_id": props.security_group, "direction": props.direction}
        wanted = same_rule_key(self.body(ctx, props))
        rules = await self.service_of(ctx).list_all(self.entity.path, self.entity.plural, query)
        return [rule for rule in rules if same_rule_key(rule) == wanted]
