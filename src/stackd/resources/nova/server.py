"""OS::Nova::Server, a virtual machine."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from functools import partial
from typing import Any, ClassVar

from stackd.clients.lookup import Collection
from stackd.errors import CloudNotFound, PropertyError
from stackd.records import Resource
from stackd.resources import copies
from stackd.resources.attributes import attr
from stackd.resources.context import JSON, Context
from stackd.resources.entity import Entity
from stackd.resources.follows import Follows
from stackd.resources.heat import transports
from stackd.resources.neutron import reach
from stackd.resources.neutron.siblings import INTERFACE, SUBNET, network_key, subnet_key
from stackd.resources.nova import blocks, booting, changes, networks, replacement, views
from stackd.resources.nova.metadata import as_text
from stackd.resources.nova.request import user_data
from stackd.resources.nova.server_props import ServerProps
from stackd.resources.registry import resource_type
from stackd.resources.rest import Field, RestResource, same
from stackd.resources.schema import Support
from stackd.template.unknown import Unknown

_OLD_ACCESS = Support("DEPRECATED", "14.0.0", previous=Support(version="2015.1"))
_OLD_ADDRESS = Support(
    "HIDDEN", "5.0.0", previous=Support("DEPRECATED", "2014.2", previous=Support(version="2013.2"))
)
_NEW_ADDRESSES = Support(version="11.0.0", previous=Support())


@resource_type("OS::Nova::Server")
class Server(RestResource[ServerProps]):
    """A virtual machine, with the ports that its networks need.

    Its request says more than its fields, and each change but that of the name is a request of its own.
    """

    entity = Entity("compute", "/servers", "server", "servers", "PUT", list_path="/servers/detail")
    lookups: ClassVar = {
        "nova.server": Collection("Server", "compute", "/servers", "servers", pattern=True, paged=True)
    }
    fields: ClassVar = same("name", "availability_zone", "config_drive", "key_name", "reservation_id") | {
        "image": "imageRef",
        "flavor": "flavorRef",
        "metadata": Field("metadata", convert=as_text),
        "admin_pass": "adminPass",
        "diskConfig": "OS-DCF:diskConfig",
    }
    name_limit = 53
    waits_for = "the server is built"
    awaits_deletion = True
    checkable = True
    good_statuses = ("ACTIVE",)
    snapshots = True
    kept = (replacement.IMAGE,)
    rewritten = ("image",)
    follows = (
        Follows(SUBNET, key=network_key, keys=reach.server_networks),
        Follows(INTERFACE, key=subnet_key, keys=reach.floating_subnets, guess=True),
    )
    shown_by: ClassVar = {
        "networks": ("addresses", "first_address"),
        "software_config_transport": ("os_collect_config",),
        "deployment_swift_data": ("os_collect_config",),
    }
    attributes: ClassVar = {
        "name": attr("Name of the server."),
        "addresses": attr(
            "Addresses by network name and id, with their ports.",
            "map",
            read=views.addresses_of,
            support=_NEW_ADDRESSES,
        ),
        "networks": attr("Addresses by network name and id.", "map", read=views.networks_of),
        "first_address": attr("The first address.", "any", support=_OLD_ADDRESS),
        "instance_name": attr("The hypervisor's name for it.", source="OS-EXT-SRV-ATTR:instance_name"),
        "accessIPv4": attr("The address to reach the server by.", support=_OLD_ACCESS),
        "accessIPv6": attr("The IPv6 address to reach the server by.", support=_OLD_ACCESS),
        "console_urls": attr(
            "URLs of the consoles by their kind.", "map", read=views.console_urls, since="2015.1"
        ),
        "tags": attr("Tags of the server.", "list", since="8.0.0"),
        "os_collect_config": attr(
            "How the server gets its metadata.",
            "map",
            compute=lambda resource: resource.metadata.get(transports.SECTION),
            since="9.0.0",
        ),
    }

    def validate(self, props: ServerProps) -> None:
        """Disks and networks must make sense together."""
        if _is_known(props.data.get("block_device_mapping_v2")):
            devices = props.block_device_mapping_v2 or []
            blocks.check(props.data.get("image"), props.block_device_mapping or [], devices)
            if props.personality and any(each.data.get("volume_type") for each in devices):
                raise PropertyError(
                    "personality and volume_type need different versions of the compute API.",
                    path="properties.personality",
                    remedy="Write files with user_data instead.",
                )
        if _is_known(props.data.get("networks")):
            networks.check(props)

    def validate_metadata(self, props: ServerProps, metadata: Mapping[str, Any]) -> None:
        """What a server is to do has its own place in the metadata."""
        if props.data.get("user_data_format") == transports.FORMAT:
            transports.require_free(metadata)

    def own_metadata(self, stored: Mapping[str, Any], written: Mapping[str, Any]) -> Mapping[str, Any]:
        """How the server gets its metadata."""
        return transports.own_section(stored, written)

    def needs_replace(self, old: ServerProps, new: ServerProps, changed: frozenset[str]) -> str | None:
        """What the update policies do not let happen in place."""
        if "flavor" in changed and new.flavor_update_policy == "REPLACE":
            return "flavor_update_policy is REPLACE"
        # A restoration looks upon what its copies bring back as lost: then the server has no image here.
        boots_from_disk = not old.data.get("image") and (
            old.block_device_mapping or old.block_device_mapping_v2
        )
        if "image" in changed and (
            new.image_update_policy == "REPLACE" or not new.data.get("image") or boots_from_disk
        ):
            return f"image_update_policy is {new.image_update_policy}"
        if "user_data" in changed and new.user_data_update_policy == "REPLACE":
            return "user_data_update_policy is REPLACE"
        return None

    def ready(self, live: JSON) -> bool:
        """Whether the server is built; one that somebody has stopped since then is, too."""
        return changes.is_settled(live)

    def broken(self, live: JSON) -> bool:
        """Servers in error or deleted have to be replaced."""
        return booting.is_broken(live)

    def attribute_values(self, resource: Resource, live: JSON) -> dict[str, Any]:
        """The first address is one of any network."""
        return super().attribute_values(resource, live) | {"first_address": views.first_address(live)}

    # --- making ---------------------------------------------------------------------------------

    async def create(self, ctx: Context, props: ServerProps) -> None:
        """Make the ports that are missing, then the server; after a refusal the ports go again."""
        await _open_transport(ctx, props)
        await booting.boot(ctx, props, self.body(ctx, props))

    async def configure(self, ctx: Context, props: ServerProps) -> None:
        """Point floating IPs at the server, and tag it once it runs."""
        await networks.reach(ctx, props)
        if props.tags:
            await ctx.poll(self.ready, self.waits_for)
            await changes.set_tags(ctx, props.tags)
            await ctx.live(fresh=True)

    # --- changing -------------------------------------------------------------------------------

    async def change(self, ctx: Context, old: ServerProps, new: ServerProps) -> JSON:
        """Only the name is written with the server."""
        body = await super().change(ctx, old, new)
        return {"name": body["name"]} if "name" in body else {}

    async def update(self, ctx: Context, old: ServerProps, new: ServerProps) -> None:
        """Change what differs, one thing after another."""
        changed = new.changed(old)
        if "metadata" in changed:
            await changes.change_metadata(ctx, old, new)
        if "tags" in changed:
            await changes.set_tags(ctx, new.tags)
        await super().update(ctx, old, new)
        if changed & {"software_config_transport", "deployment_swift_data"}:
            await _open_transport(ctx, new)
        else:  # what is to be sent may have other metadata of the template
            await transports.push(ctx, ctx.resource)
        if "networks" in changed:
            await networks.change(ctx, old, new)
        if "flavor" in changed:
            await changes.resize(ctx, new.flavor)
        rewrites = "user_data" in changed and new.user_data_update_policy == "REBUILD"
        if "image" in changed or rewrites:
            await changes.rebuild(ctx, new, await user_data(ctx, new) if rewrites else None)
        elif "admin_pass" in changed and new.admin_pass:
            await changes.act(ctx, "changePassword", {"adminPass": new.admin_pass})

    async def prepare_for_replace(self, ctx: Context, props: ServerProps) -> None:
        """Take the ports away from the old server: the new one needs them."""
        await replacement.free(ctx, props)

    async def undo_replace(self, ctx: Context, props: ServerProps) -> None:
        """Give the ports back to the old server."""
        await replacement.give_back(ctx)

    # --- rest -----------------------------------------------------------------------------------

    async def suspend(self, ctx: Context, props: ServerProps) -> None:
        """Store the memory of the server and stop it."""
        await changes.shift(ctx, "suspend", "SUSPENDED", "the server is suspended")

    async def resume(self, ctx: Context, props: ServerProps) -> None:
        """Let the server go on where it was."""
        await changes.shift(ctx, "resume", "ACTIVE", "the server runs again")

    # --- snapshots and removal ------------------------------------------------------------------

    async def snapshot(self, ctx: Context, props: ServerProps) -> None:
        """Make an image of the server."""
        await replacement.make_image(ctx, copies.snapshot_name(ctx))

    async def delete_snapshot(self, ctx: Context, kept: Mapping[str, Any]) -> None:
        """Remove an image that ``snapshot`` made."""
        image = await copies.known_id(kept, replacement.IMAGE, partial(replacement.find_image, ctx))
        if image is not None:
            with suppress(CloudNotFound):
                await ctx.cloud.image.delete(f"/images/{image}")

    def restored(self, properties: Mapping[str, Any], kept: Mapping[str, Any]) -> dict[str, Any]:
        """The properties that bring a snapshot back."""
        return {**properties, "image": kept["snapshot_image_id"]}

    async def delete(self, ctx: Context, props: ServerProps) -> None:
        """Delete the server; with deletion policy Snapshot create an image of it first."""
        if ctx.resource.physical_id and ctx.resource.deletion_policy == "Snapshot":
            with suppress(CloudNotFound):
                live = await ctx.live(fresh=True)
                if live["status"] == "ACTIVE":
                    await replacement.make_image(ctx, ctx.physical_name, ctx.resource.updated_at)
        await booting.remove(ctx)

    async def is_gone(self, ctx: Context) -> bool:
        """Whether the server no longer exists; if so, deletes what was created for it."""
        return await booting.is_removed(ctx)


def _is_known(entries: Any) -> bool:
    """Whether it is known how many entries a list has and what each names; values may be open."""
    return not isinstance(entries, Unknown) and not any(isinstance(each, Unknown) for each in entries or ())


async def _open_transport(ctx: Context, props: ServerProps) -> None:
    """Let a server with software config get its metadata."""
    if props.user_data_format == transports.FORMAT:
        await transports.prepare(ctx, props, "ec2")
