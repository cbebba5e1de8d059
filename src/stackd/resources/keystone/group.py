"""OS::Keystone::Group, users who have roles in common."""

from __future__ import annotations

from typing import ClassVar

from stackd.resources.context import Context
from stackd.resources.keystone.grants import GrantProps, check_grants, exchange, grant_paths
from stackd.resources.keystone.identity import domain_of, identity, names, since
from stackd.resources.registry import resource_type
from stackd.resources.rest import RestResource
from stackd.resources.schema import IN_PLACE, Properties, prop


class GroupProps(Properties):
    """Properties of a group."""

    name: str | None = prop("Name of the group.", update=IN_PLACE)
    domain: str = domain_of("group")
    description: str = prop("What the group is for.", default="", update=IN_PLACE)
    roles: list[GrantProps] | None = prop("Roles of the group on projects and domains.", update=IN_PLACE)


@resource_type("OS::Keystone::Group", support=since("2015.1"))
class Group(RestResource[GroupProps]):
    """A group of users, with roles."""

    entity = identity("group", "groups")
    lookups: ClassVar = {"keystone.group": names("Group", "groups")}
    fields: ClassVar = {"name": "name", "domain": "domain_id", "description": "description"}

    def validate(self, props: GroupProps) -> None:
        """A role is on a project or on a domain."""
        check_grants(props.roles)

    async def configure(self, ctx: Context, props: GroupProps) -> None:
        """Receive roles."""
        await exchange(ctx, (), grant_paths("groups", ctx.physical_id, props.roles))

    async def update(self, ctx: Context, old: GroupProps, new: GroupProps) -> None:
        """Roles are given and taken one by one."""
        await super().update(ctx, old, new)
        await exchange(ctx, *(grant_paths("groups", ctx.physical_id, each.roles) for each in (old, new)))
