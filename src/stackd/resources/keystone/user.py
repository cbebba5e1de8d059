"""OS::Keystone::User, an account that can authenticate."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from stackd.resources.attributes import attr
from stackd.resources.context import Context
from stackd.resources.keystone.grants import check_grants, exchange, grant_paths
from stackd.resources.keystone.identity import identity, names, since
from stackd.resources.keystone.user_props import UserProps
from stackd.resources.registry import resource_type
from stackd.resources.rest import KEEP, Field, RestResource, same


@resource_type("OS::Keystone::User", support=since("2015.1"))
class User(RestResource[UserProps]):
    """A user, with groups and roles."""

    entity = identity("user", "users")
    lookups: ClassVar = {"keystone.user": names("User", "users")}
    fields: ClassVar = same("name", "description", "enabled", "email") | {
        "domain": "domain_id",
        "default_project": "default_project_id",
        "password": Field("password", cleared=KEEP),
    }
    shown_by: ClassVar = {"password": ("password_expires_at",)}
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

    async def configure(self, ctx: Context, props: UserProps) -> None:
        """Join groups and receive roles."""
        await exchange(ctx, (), _paths(ctx, props))

    async def update(self, ctx: Context, old: UserProps, new: UserProps) -> None:
        """Groups and roles are given and taken one by one."""
        await super().update(ctx, old, new)
        await exchange(ctx, _paths(ctx, old), _paths(ctx, new))


def _paths(ctx: Context, props: UserProps) -> Iterable[str]:
    user = ctx.physical_id
    groups = dict.fromkeys(f"/groups/{group}/users/{user}" for group in props.groups or ())
    return [*groups, *grant_paths("users", user, props.roles)]
