"""OS::Nova::KeyPair, a key for logging in to servers."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import Any, ClassVar

from stackd.clients.lookup import Collection
from stackd.errors import CloudNotFound
from stackd.records import Resource
from stackd.resources.attributes import attr
from stackd.resources.constraints import length, one_of
from stackd.resources.context import JSON, Context
from stackd.resources.entity import Entity
from stackd.resources.registry import resource_type
from stackd.resources.rest import RestResource, same
from stackd.resources.schema import Properties, prop


class KeyPairProps(Properties):
    """Properties of ``OS::Nova::KeyPair``."""

    name: str = prop("Name of the key pair.", required=True, constraints=[length(1, 255)])
    save_private_key: bool = prop(
        "Whether the generated private key is kept and can be read as an attribute.", default=False
    )
    public_key: str | None = prop("The public key; one is generated when it is left out.")
    type: str | None = prop("The kind of key.", constraints=[one_of("ssh", "x509")], since="8.0.0")
    user: str | None = prop(
        "The user to whom the key belongs; only administrators may name another.",
        find="keystone.user",
        since="9.0.0",
    )


@resource_type("OS::Nova::KeyPair", since="2014.1")
class KeyPair(RestResource[KeyPairProps]):
    """A key pair, generated or made from a public key."""

    entity = Entity("compute", "/os-keypairs", "keypair", "keypairs", id_field="name")
    lookups: ClassVar = {
        "nova.keypair": Collection(
            "Key", "compute", "/os-keypairs", "keypairs", whole=True, id="name", inside="keypair"
        )
    }
    fields: ClassVar = same("name", "public_key", "type") | {"user": "user_id"}
    checkable = True
    attributes: ClassVar = {
        "public_key": attr("The public key."),
        "private_key": attr(
            "The generated private key, if it is kept; else empty.",
            compute=lambda resource: resource.data.get("private_key", ""),
        ),
    }

    async def create(self, ctx: Context, props: KeyPairProps) -> None:
        """A generated private key is shown only now."""
        made = await self.make(ctx, props)
        if props.save_private_key and made.get("private_key"):
            await ctx.put_data(private_key=made["private_key"])
        await ctx.created(made["name"], made)

    async def find(self, ctx: Context, props: KeyPairProps) -> Sequence[JSON]:
        """The key pair of this name, unless its private key should have been kept and is lost."""
        if props.save_private_key and not props.public_key:
            return []
        try:
            return [await _read(ctx, props)]
        except CloudNotFound:
            return []

    async def delete(self, ctx: Context, props: KeyPairProps) -> None:
        """Key pairs belong to users: the same name may mean another one's."""
        await ctx.cloud.compute.delete(f"/os-keypairs/{ctx.physical_id}", _owner(props))

    async def check(self, ctx: Context, props: KeyPairProps) -> None:
        """The key pair must exist."""
        await _read(ctx, props)

    async def prepare_for_replace(self, ctx: Context, props: KeyPairProps) -> None:
        """Remove the old key pair: the new one may have the same name."""
        with suppress(CloudNotFound):
            await self.delete(ctx, props)

    async def undo_replace(self, ctx: Context, props: KeyPairProps) -> None:
        """Make the key pair again out of its public key, in the place of one that took its name."""
        body = props.body("name", "type") | (_owner(props) or {})
        body["public_key"] = ctx.resource.attributes.get("public_key") or props.public_key
        with suppress(CloudNotFound):
            if (await _read(ctx, props)).get("public_key") == body["public_key"]:
                return
            await self.delete(ctx, props)
        await ctx.cloud.compute.post("/os-keypairs", {"keypair": body})

    def attribute_values(self, resource: Resource, live: JSON) -> dict[str, Any]:
        """The public key; from the properties if the service does not show it (a pair of another user)."""
        return {"public_key": live.get("public_key") or resource.properties.get("public_key")}


def _owner(props: KeyPairProps) -> dict[str, str] | None:
    return {"user_id": props.user} if props.user else None


async def _read(ctx: Context, props: KeyPairProps) -> JSON:
    found: JSON = (await ctx.cloud.compute.get(f"/os-keypairs/{props.name}", _owner(props)))["keypair"]
    return found
