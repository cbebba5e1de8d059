"""AWS::EC2::SecurityGroup, the rules by which packets reach and leave instances."""

from __future__ import annotations

from typing import ClassVar

from stackd.resources.aws.group_rules import RuleProps, as_rules, check_rules
from stackd.resources.context import Context
from stackd.resources.neutron.group_rules import give_rules, write_rules
from stackd.resources.neutron.network import network
from stackd.resources.registry import resource_type
from stackd.resources.rest import RestResource
from stackd.resources.schema import IN_PLACE, Properties, prop

_INGRESS, _EGRESS = "SecurityGroupIngress", "SecurityGroupEgress"


class SecurityGroupProps(Properties):
    """Properties of ``AWS::EC2::SecurityGroup``."""

    description: str = prop("What the group is for.", name="GroupDescription", required=True)
    vpc: str | None = prop("Id of the VPC; it has no effect.", name="VpcId")
    ingress: list[RuleProps] | None = prop("Rules for packets that come in.", name=_INGRESS, update=IN_PLACE)
    egress: list[RuleProps] | None = prop(
        "Rules for packets that leave; without any, all may leave.", name=_EGRESS, update=IN_PLACE
    )


@resource_type("AWS::EC2::SecurityGroup")
class SecurityGroup(RestResource[SecurityGroupProps]):
    """Lets packets through to and from instances; everything that no rule allows is dropped."""

    service = ""
    entity = network("security_group")
    survives = True
    fields: ClassVar = {"GroupDescription": "description"}

    def validate(self, props: SecurityGroupProps) -> None:
        """Ports are numbers in order, and the other side is one."""
        for name in (_INGRESS, _EGRESS):
            check_rules(name, props.data.get(name))

    async def configure(self, ctx: Context, props: SecurityGroupProps) -> None:
        """Give the group its rules."""
        if props.ingress or props.egress:
            await give_rules(ctx, await as_rules(ctx, props.ingress, props.egress))

    async def update(self, ctx: Context, old: SecurityGroupProps, new: SecurityGroupProps) -> None:
        """Rules are compared with those that the group has."""
        rules = await as_rules(ctx, new.ingress, new.egress)
        await write_rules(ctx, rules, await ctx.live(fresh=True))
