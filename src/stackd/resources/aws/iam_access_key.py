"""AWS::IAM::AccessKey, with which a user signs its requests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Final

from stackd.errors import ResourceFailure
from stackd.records import Resource
from stackd.resources.attributes import attr
from stackd.resources.base import ResourceType
from stackd.resources.constraints import one_of
from stackd.resources.context import Context
from stackd.resources.follows import ANY, Follows, Key, Siblings, key_of
from stackd.resources.registry import resource_type
from stackd.resources.schema import Properties, prop

_USER: Final = "AWS::IAM::User"
_NAME: Final = "user_name"
_NO_SECRET: Final = "000-000-000"  # noqa: S105  what is shown where there is none


class AccessKeyProps(Properties):
    """Properties of ``AWS::IAM::AccessKey``."""

    serial: int | None = prop("Not implemented.", name="Serial", implemented=False)
    user: str = prop("The user, by reference.", name="UserName", required=True)
    status: str | None = prop(
        "Not implemented.", name="Status", implemented=False, constraints=[one_of("Active", "Inactive")]
    )


def _user_key(properties: Mapping[str, Any]) -> Key:
    return key_of(properties.get("UserName"))


def _any_user(properties: Mapping[str, Any], siblings: Siblings) -> Sequence[Key]:
    """A user that is given by its name may be any of the stack."""
    return (ANY,) if isinstance(properties.get("UserName"), str) else ()


def _secret(resource: Resource) -> str:
    return str((resource.data.get("user_keypair") or {}).get("secret") or _NO_SECRET)


@resource_type("AWS::IAM::AccessKey")
class AccessKey(ResourceType[AccessKeyProps]):
    """A key pair of a user of the stack. A reference to it is the access key; the secret is an attribute."""

    remade = True
    follows = (Follows(_USER, key=_user_key, keys=_any_user, guess=True),)
    attributes: ClassVar = {
        "UserName": attr("Name of the user.", compute=lambda resource: resource.data.get(_NAME)),
        "SecretAccessKey": attr("The secret with which the user signs.", compute=_secret),
    }

    async def create(self, ctx: Context, props: AccessKeyProps) -> None:
        """Give the user a key pair, the same one at each attempt."""
        owner = await ctx.sibling(props.user)
        if owner is None or owner.kind != _USER:
            raise ResourceFailure(f"'{props.user}' is no user of the stack: refer to an {_USER} resource.")
        await ctx.put_data(**{_NAME: owner.data.get("stack_user_name")})
        await ctx.created((await ctx.users.keypair_of(owner))["access"])

    async def delete(self, ctx: Context, props: AccessKeyProps) -> None:
        """Revoke the key pair."""
        await ctx.users.remove_keypair()
