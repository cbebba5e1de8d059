"""OS::Keystone::UserRoleAssignment, roles of a user that is made elsewhere."""

from __future__ import annotations

from typing import Any

from stackd.records import Resource
from stackd.resources.base import ResourceType
from stackd.resources.context import Context
from stackd.resources.keystone.grants import GrantProps, check_grants, exchange, grant_paths
from stackd.resources.keystone.identity import since
from stackd.resources.registry import resource_type
from stackd.resources.schema import IN_PLACE, Properties, prop


class UserRoleAssignmentProps(Properties):
    """Properties of the roles of a user."""

    user: str = prop("Name or id of the user.", required=True, update=IN_PLACE, find="keystone.user")
    roles: list[GrantProps] | None = prop("Roles of the user on projects and domains.", update=IN_PLACE)


@resource_type("OS::Keystone::UserRoleAssignment", support=since("5.0.0"))
class UserRoleAssignment(ResourceType[UserRoleAssignmentProps]):
    """Gives roles to a user; the cloud has no object for it, so it has our own id."""

    service = "identity"

    def validate(self, props: UserRoleAssignmentProps) -> None:
        """A role is on a project or on a domain."""
        check_grants(props.roles)

    def reference(self, resource: Resource) -> Any:
        """There is nothing to refer to but the resource."""
        return resource.name

    async def create(self, ctx: Context, props: UserRoleAssignmentProps) -> None:
        """There is nothing to make before the roles are given."""
        await ctx.created(ctx.resource.id)

    async def configure(self, ctx: Context, props: UserRoleAssignmentProps) -> None:
        """Give the roles."""
        await exchange(ctx, (), _paths(props))

    async def update(self, ctx: Context, old: UserRoleAssignmentProps, new: UserRoleAssignmentProps) -> None:
        """Take and give what differs."""
        await exchange(ctx, _paths(old), _paths(new))

    async def delete(self, ctx: Context, props: UserRoleAssignmentProps) -> None:
        """Take the roles."""
        await exchange(ctx, _paths(props), ())


def _paths(props: UserRoleAssignmentProps) -> list[str]:
    return grant_paths("users", props.user, props.roles)
