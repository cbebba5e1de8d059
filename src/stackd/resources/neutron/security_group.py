"""OS::Neutron::SecurityGroup, the rules by which packets reach and leave ports."""

from __future__ import annotations

from typing import ClassVar

from stackd.errors import PropertyError
from stackd.resources.context import Context
from stackd.resources.neutron.group_rules import RuleProps, check_rules, give_rules, write_rules
from stackd.resources.neutron.network import names, network
from stackd.resources.registry import resource_type
from stackd.resources.rest import KEEP, Field, RestResource
from stackd.resources.rules import known
from stackd.resources.schema import IN_PLACE, Properties, prop


class SecurityGroupProps(Properties):
    """Properties of a security group."""

    name: str | None = prop("Name of the group.", update=IN_PLACE)
    description: str | None = prop("What the group is for.", update=IN_PLACE)
    rules: list[RuleProps] = prop("Rules of the group.", default=[], update=IN_PLACE)
    stateful: bool | None = prop(
        "Whether answers pass without a rule of their own.", update=IN_PLACE, since="27.0.0"
    )


@resource_type("OS::Neutron::SecurityGroup", since="2014.1")
class SecurityGroup(RestResource[SecurityGroupProps]):
    """Lets packets through to and from ports; everything that no rule allows is dropped.

    Where no rule is given for packets that leave, all may leave.
    """

    extension = "security-group"
    entity = network("security_group")
    lookups: ClassVar = {"neutron.security_group": names("Security group", "/security-groups")}
    survives = True
    fields: ClassVar = {
        "name": "name",
        "stateful": Field("stateful", cleared=KEEP),
        "description": Field("description", cleared=""),
    }

    def validate(self, props: SecurityGroupProps) -> None:
        """The default group belongs to the service."""
        if props.name == "default":
            raise PropertyError(
                'Security groups cannot be assigned the name "default".',
                path="properties.name",
                remedy="Choose another name.",
            )
        check_rules(known(props.rules) or ())

    async def configure(self, ctx: Context, props: SecurityGroupProps) -> None:
        """Give the group its rules."""
        if props.rules:
            await give_rules(ctx, props.data["rules"])

    async def update(self, ctx: Context, old: SecurityGroupProps, new: SecurityGroupProps) -> None:
        """Rules are compared with those that the group has."""
        await super().update(ctx, old, new)
        if "rules" in new.changed(old):
            await write_rules(ctx, new.data["rules"], await ctx.live(fresh=True))
