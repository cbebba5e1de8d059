"""OS::Keystone::User, somebody who can authenticate."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import ClassVar

from stackd.resources.base import Entity, ResourceType, attr
from stackd.resources.context import JSON, Context
from stackd.resources.keystone import objects
from stackd.resources.keystone.grants import GrantProps, check_grants, exchange, grant_paths
from stackd.resources.registry import resource_type
from stackd.resources.schema import IN_PLACE, Properties, prop

_USER = Entity("identity", "/users", "user", "users")
_CHANGEABLE = {
    "name": "name",
    "domain": "domain_id",
    "description": "description",
    "enabled": "enabled",
    "email": "email",
    "password": "password",
    "default_project": "default_project_id",
}


class UserProps(Properties):
    """Properties of a user."""

    name: str | None = prop("Name of the user.", update=IN_PLACE)
    domain: str = prop(
        "Name or id of the user's domain.", default="default", update=IN_PLACE, find="keystone.domain"
    )
    description: str = prop("Who the user is.", default="", update=IN_PLACE)
    enabled: bool = prop("Whether the user can authenticate.", default=True, update=IN_PLACE)
    email: str | None = prop("E-mail address.", update=IN_PLACE)
    password: str | None = prop("Password.", update=IN_PLACE)
    default_project: str | None = prop(
        "Name or id of the project for which a token is when none is named.",
        update=IN_PLACE,
        find="keystone.project",
    )
    groups: list[str] | None = prop(
        "Names or ids of the groups that the user is in.", update=IN_PLACE, element_find="keystone.group"
    )
    roles: list[GrantProps] | None = prop("Roles of the user on projects and domains.", update=IN_PLACE)


@resource_type("OS::Keystone::User", support=objects.since("2015.1"))
class User(ResourceType[UserProps]):
    """A user, with groups and roles."""

    properties = UserProps
    service = "identity"
    entity = _USER
    attributes: ClassVar = {
        "name": attr("Name of the user.", since="9.0.0"),
        "default_project_id": attr("Id of the default project.", since="9.0.0"),
        "domain_id": attr("Id of the user's domain.", since="9.0.0"),
        "enabled": attr("Whether the user can authenticate.", "boolean", since="9.0.0"),
        "password_expires_at": attr("When the password expires.", since="9.0.0"),
    }

    def validate(self, props: UserProps) -> None:
        """A role is on a project or on a domain."""
        check_grants(props.roles)

    async def create(self, ctx: Context, props: UserProps) -> None:
        """Make the user."""
        await objects.create(ctx, _USER, objects.creation(ctx, props, _CHANGEABLE))

    async def configure(self, ctx: Context, props: UserProps) -> None:
        """Join groups and receive roles."""
        await exchange(ctx, (), _paths(ctx, props))

    async def find(self, ctx: Context, props: UserProps) -> Sequence[JSON]:
        """The user with our mark."""
        return await objects.find(ctx, _USER, props)

    async def update(self, ctx: Context, old: UserProps, new: UserProps) -> None:
        """Send what differs; a password that is taken out of the template stays."""
        names = _CHANGEABLE if new.password else {k: v for k, v in _CHANGEABLE.items() if k != "password"}
        await objects.update(ctx, _USER, old, new, names)
        await exchange(ctx, _paths(ctx, old), _paths(ctx, new))


def _paths(ctx: Context, props: UserProps) -> Iterable[str]:
    user = ctx.physical_id
    groups = dict.fromkeys(f"/groups/{group}/users/{user}" for group in props.groups or ())
    return [*groups, *grant_paths("users", user, props.roles)]
