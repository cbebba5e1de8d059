"""OS::Keystone::Group, users who have roles in common."""

from __future__ import annotations

from collections.abc import Sequence

from stackd.resources.base import Entity, ResourceType
from stackd.resources.context import JSON, Context
from stackd.resources.keystone import objects
from stackd.resources.keystone.grants import GrantProps, check_grants, exchange, grant_paths
from stackd.resources.registry import resource_type
from stackd.resources.schema import IN_PLACE, Properties, prop

_GROUP = Entity("identity", "/groups", "group", "groups")
_CHANGEABLE = {"name": "name", "domain": "domain_id", "description": "description"}


class GroupProps(Properties):
    """Properties of a group."""

    name: str | None = prop("Name of the group.", update=IN_PLACE)
    domain: str = prop(
        "Name or id of the group's domain.", default="default", update=IN_PLACE, find="keystone.domain"
    )
    description: str = prop("What the group is for.", default="", update=IN_PLACE)
    roles: list[GrantProps] | None = prop("Roles of the group on projects and domains.", update=IN_PLACE)


@resource_type("OS::Keystone::Group", support=objects.since("2015.1"))
class Group(ResourceType[GroupProps]):
    """A group of users, with roles."""

    properties = GroupProps
    service = "identity"
    entity = _GROUP

    def validate(self, props: GroupProps) -> None:
        """A role is on a project or on a domain."""
        check_grants(props.roles)

    async def create(self, ctx: Context, props: GroupProps) -> None:
        """Make the group."""
        await objects.create(ctx, _GROUP, objects.creation(ctx, props, _CHANGEABLE))

    async def configure(self, ctx: Context, props: GroupProps) -> None:
        """Receive roles."""
        await exchange(ctx, (), grant_paths("groups", ctx.physical_id, props.roles))

    async def find(self, ctx: Context, props: GroupProps) -> Sequence[JSON]:
        """The group with our mark."""
        return await objects.find(ctx, _GROUP, props)

    async def update(self, ctx: Context, old: GroupProps, new: GroupProps) -> None:
        """Send what differs."""
        await objects.update(ctx, _GROUP, old, new, _CHANGEABLE)
        paths = (grant_paths("groups", ctx.physical_id, props.roles) for props in (old, new))
        await exchange(ctx, *paths)
