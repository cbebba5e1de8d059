"""OS::Keystone::GroupRoleAssignment, roles of a group that is made elsewhere."""

from __future__ import annotations

from typing import Any

from stackd.records import Resource
from stackd.resources.base import ResourceType
from stackd.resources.context import Context
from stackd.resources.keystone.grants import GrantProps, check_grants, exchange, grant_paths
from stackd.resources.keystone.identity import since
from stackd.resources.registry import resource_type
from stackd.resources.schema import IN_PLACE, Properties, prop


class GroupRoleAssignmentProps(Properties):
    """Properties of the roles of a group."""

    group: str = prop("Name or id of the group.", required=True, update=IN_PLACE, find="keystone.group")
    roles: list[GrantProps] | None = prop("Roles of the group on projects and domains.", update=IN_PLACE)


@resource_type("OS::Keystone::GroupRoleAssignment", support=since("5.0.0"))
class GroupRoleAssignment(ResourceType[GroupRoleAssignmentProps]):
    """Gives roles to a group; the cloud has no object for it, so it has our own id."""

    service = "identity"

    def validate(self, props: GroupRoleAssignmentProps) -> None:
        """A role is on a project or on a domain."""
        check_grants(props.roles)

    def reference(self, resource: Resource) -> Any:
        """There is nothing to refer to but the resource."""
        return resource.name

    async def create(self, ctx: Context, props: GroupRoleAssignmentProps) -> None:
        """There is nothing to make before the roles are given."""
        await ctx.created(ctx.resource.id)

    async def configure(self, ctx: Context, props: GroupRoleAssignmentProps) -> None:
        """Give the roles."""
        await exchange(ctx, (), _paths(props))

    async def update(
        self, ctx: Context, old: GroupRoleAssignmentProps, new: GroupRoleAssignmentProps
    ) -> None:
        """Take and give what differs."""
        await exchange(ctx, _paths(old), _paths(new))

    async def delete(self, ctx: Context, props: GroupRoleAssignmentProps) -> None:
        """Take the roles."""
        await exchange(ctx, _paths(props), ())


def _paths(props: GroupRoleAssignmentProps) -> list[str]:
    return grant_paths("groups", props.group, props.roles)
