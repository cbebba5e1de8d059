"""AWS::IAM::User, in whose name guests read metadata."""

from __future__ import annotations

from typing import Any

from stackd.errors import PropertyError
from stackd.records import Resource
from stackd.resources.base import ResourceType
from stackd.resources.context import Context
from stackd.resources.follows import Siblings
from stackd.resources.registry import resource_type
from stackd.resources.schema import Properties, prop
from stackd.template.unknown import Unknown

_LONGEST_NAME = 64
_POLICY = "OS::Heat::AccessPolicy"


class LoginProfile(Properties):
    """How a user logs in."""

    password: str | None = prop("The password.", name="Password")


class UserProps(Properties):
    """Properties of ``AWS::IAM::User``."""

    path: str | None = prop("Place of the user; it has no effect.", name="Path")
    groups: list[Any] | None = prop("Groups of the user; they have no effect.", name="Groups")
    login: LoginProfile | None = prop(
        "How the user logs in; without a password one is drawn at random.", name="LoginProfile"
    )
    policies: list[Any] | None = prop(
        f"Names of resources of type {_POLICY} of the stack: each must allow what the user reads.",
        name="Policies",
    )


@resource_type("AWS::IAM::User")
class User(ResourceType[UserProps]):
    """A user that may read the metadata of the stack's resources, or of those that its policies allow.

    It is a user of the stack domain and may do nothing else. A reference to it is its name.
    """

    name_limit = _LONGEST_NAME
    remade = True

    def validate_among(self, props: UserProps, siblings: Siblings) -> None:
        """Policies are resources of the stack."""
        for index, policy in enumerate(props.data["Policies"] or ()):
            name = policy.resource if isinstance(policy, Unknown) else policy
            found = siblings.named(name) if isinstance(name, str) and name else None
            if not (isinstance(policy, Unknown) and not name) and (found is None or found.kind != _POLICY):
                raise PropertyError(
                    f"'{name!s:.200}' is no access policy of the stack.",
                    path=f"properties.Policies[{index}]",
                    remedy=f"Name a resource of type {_POLICY}.",
                )

    async def create(self, ctx: Context, props: UserProps) -> None:
        """Make the user."""
        password = (props.login.password if props.login else None) or ""
        user = await ctx.users.make(password=password)
        await ctx.created(user.user_id)

    async def delete(self, ctx: Context, props: UserProps) -> None:
        """Delete the user, and with it what keys it has."""
        await ctx.users.remove()

    def reference(self, resource: Resource) -> Any:
        """The name of the user, or of the resource before there is one."""
        return resource.data.get("stack_user_name") or resource.name
