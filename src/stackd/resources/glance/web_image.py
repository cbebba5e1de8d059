"""OS::Glance::WebImage, an image that the image service fetches from the web itself."""

from __future__ import annotations

from typing import ClassVar

from stackd.clients.lookup import Collection
from stackd.errors import PropertyError
from stackd.resources.context import JSON, Context
from stackd.resources.entity import Entity, settled
from stackd.resources.glance.changes import (
    check_import,
    drop,
    given,
    json_patch,
    patch,
    read_image,
    share,
    start_import,
    write_tags,
)
from stackd.resources.glance.web_image_props import AMAZON, WebImageProps
from stackd.resources.registry import resource_type
from stackd.resources.rest import RestResource, same

_WORKING = ("queued", "saving", "importing", "uploading")
_ACTIVE, _DEACTIVATED = "active", "deactivated"
_CREATED = ("id", "name", "container_format", "disk_format", "min_disk", "min_ram")
_PATCHED = (
    "protected",
    "visibility",
    "architecture",
    "os_distro",
    "os_version",
    "kernel_id",
    "ramdisk_id",
    "owner",
)


@resource_type("OS::Glance::WebImage", since="12.0.0")
class WebImage(RestResource[WebImageProps]):
    """An image whose data the image service fetches from a URL."""

    entity = Entity("image", "/images", "", "images")
    lookups: ClassVar = {
        "glance.image": Collection(
            *("Image", "image", "/images", "images"),
            paged=True,
            absence="No images matching {{'name': '{name}'}}.",
        )
    }
    waits_for = "the data of the image is there"
    fields: ClassVar = same(*_CREATED, *_PATCHED)

    def validate(self, props: WebImageProps) -> None:
        """Formats of one kind go together, and only shared images have members."""
        formats = (props.container_format, props.disk_format)
        amazon = [each for each in formats if each in AMAZON]
        if amazon and all(isinstance(each, str) for each in formats) and formats[0] != formats[1]:
            raise PropertyError(
                f"Container format {formats[0]} and disk format {formats[1]} do not go together: "
                "aki, ari and ami must be both.",
                path="properties.disk_format",
                remedy=f"Set both to {amazon[0]}.",
            )
        if props.members and isinstance(props.visibility, str) and props.visibility != "shared":
            raise PropertyError(
                f"An image of visibility {props.visibility} has no members.",
                path="properties.members",
                remedy="Set visibility to shared.",
            )

    def body(self, ctx: Context, props: WebImageProps) -> JSON:
        """Further properties are fields of the image like all others."""
        return super().body(ctx, props) | {"tags": props.tags or []} | (props.extra_properties or {})

    async def configure(self, ctx: Context, props: WebImageProps) -> None:
        """Have the data fetched, unless that was asked for before, and share the image."""
        if (await read_image(ctx))["status"] == "queued":
            method = {"name": "web-download", "uri": props.location}
            await start_import(ctx, {"method": method})
        await share(ctx, props.members or ())

    async def is_ready(self, ctx: Context, props: WebImageProps) -> bool:
        """Whether the data is there; then the image is made active or not, as wanted."""
        live = await ctx.live(fresh=True)
        check_import(live)
        if not settled(live["status"], ready=(_ACTIVE, _DEACTIVATED), working=_WORKING):
            return False
        if live["status"] != (_ACTIVE if props.active else _DEACTIVATED):
            action = "reactivate" if props.active else "deactivate"
            await ctx.cloud.image.post(f"/images/{ctx.physical_id}/actions/{action}")
            await ctx.live(fresh=True)
        return True

    async def update(self, ctx: Context, old: WebImageProps, new: WebImageProps) -> None:
        """Send what differs; whether the image is active is seen to when it is ready."""
        changes = [
            *json_patch(given(old, *_PATCHED), given(new, *_PATCHED)),
            *json_patch(old.extra_properties or {}, new.extra_properties or {}),
        ]
        live = await read_image(ctx)
        before, after = set(old.members or ()), set(new.members or ())
        if live["visibility"] == "shared":  # the service refuses to remove members of any other image
            for member in sorted(before - after):
                await drop(ctx, f"/images/{ctx.physical_id}/members/{member}")
        await patch(ctx, live, changes)
        await write_tags(ctx, old.tags or (), new.tags or ())
        await share(ctx, sorted(after - before))
