"""OS::Keystone::Role, what somebody may do."""

from __future__ import annotations

from collections.abc import Sequence

from stackd.resources.base import Entity, ResourceType
from stackd.resources.context import JSON, Context
from stackd.resources.keystone import objects
from stackd.resources.registry import resource_type
from stackd.resources.schema import IN_PLACE, Properties, prop

_ROLE = Entity("identity", "/roles", "role", "roles")


class RoleProps(Properties):
    """Properties of a role."""

    name: str | None = prop("Name of the role.", update=IN_PLACE)
    domain: str | None = prop(
        "Name or id of the domain in which the role counts; everywhere when left out.",
        find="keystone.domain",
        since="16.0.0",
    )


@resource_type("OS::Keystone::Role", support=objects.since("2015.1"))
class Role(ResourceType[RoleProps]):
    """A role, which the policies of services know by its name."""

    properties = RoleProps
    service = "identity"
    entity = _ROLE

    async def create(self, ctx: Context, props: RoleProps) -> None:
        """Make the role."""
        body = objects.creation(ctx, props, {"name": "name", "domain": "domain_id"})
        await objects.create(ctx, _ROLE, body)

    async def find(self, ctx: Context, props: RoleProps) -> Sequence[JSON]:
        """The role with our mark."""
        return await objects.find(ctx, _ROLE, props)

    async def update(self, ctx: Context, old: RoleProps, new: RoleProps) -> None:
        """Change the name."""
        await objects.update(ctx, _ROLE, old, new, {"name": "name"})
