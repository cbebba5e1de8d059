"""OS::Glance::WebImage, an image that the image service fetches from the web itself."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar
from urllib.parse import quote

from stackd.errors import CloudConflict, CloudNotFound, PropertyError, ResourceInError
from stackd.resources.base import Entity, ResourceType, settled
from stackd.resources.constraints import between, matches, one_of
from stackd.resources.context import JSON, Context
from stackd.resources.registry import resource_type
from stackd.resources.schema import IN_PLACE, Properties, prop

_UUID = "^([0-9a-fA-F]){8}-([0-9a-fA-F]){4}-([0-9a-fA-F]){4}-([0-9a-fA-F]){4}-([0-9a-fA-F]){12}$"
_AMAZON = ("ami", "ari", "aki")
_CONTAINERS = (*_AMAZON, "bare", "ovf", "ova", "docker")
_DISKS = (*_AMAZON, "vhd", "vhdx", "vmdk", "raw", "qcow2", "vdi", "iso", "ploop")
_PATCH = {"Content-Type": "application/openstack-images-v2.1-json-patch"}
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


class WebImageProps(Properties):
    """Properties of an image from the web."""

    name: str | None = prop("Name of the image.")
    id: str | None = prop("Id of the image; the service chooses one when it is left out.")
    visibility: str = prop(
        "Who may use the image.",
        default="private",
        update=IN_PLACE,
        constraints=[one_of("public", "private", "community", "shared")],
    )
    protected: bool = prop("Whether the image is safe from deletion.", default=False, update=IN_PLACE)
    min_disk: int = prop("GB of disk that a server needs.", default=0, constraints=[between(0)])
    min_ram: int = prop("MB of memory that a server needs.", default=0, constraints=[between(0)])
    members: list[str] | None = prop(
        "Projects that a shared image is shared with.", update=IN_PLACE, since="16.0.0"
    )
    container_format: str = prop(
        "Format of the file around the disk.", required=True, constraints=[one_of(*_CONTAINERS)]
    )
    disk_format: str = prop("Format of the disk.", required=True, constraints=[one_of(*_DISKS)])
    location: str = prop("URL from which the service fetches the image.", required=True)
    tags: list[Any] | None = prop("Tags of the image.", update=IN_PLACE)
    architecture: str | None = prop("Architecture of the operating system.", update=IN_PLACE)
    kernel_id: str | None = prop(
        "Id of the image with the kernel.", update=IN_PLACE, constraints=[matches(_UUID)]
    )
    ramdisk_id: str | None = prop(
        "Id of the image with the initial RAM disk.", update=IN_PLACE, constraints=[matches(_UUID)]
    )
    os_distro: str | None = prop("Distribution of the operating system.", update=IN_PLACE)
    os_version: str | None = prop("Version of the operating system.", update=IN_PLACE)
    owner: str | None = prop("Project that owns the image.", update=IN_PLACE)
    active: bool = prop(
        "Whether the image's data may be read; administrators still may.",
        default=True,
        update=IN_PLACE,
        since="16.0.0",
    )
    extra_properties: dict[str, Any] = prop(
        "Further fields of the image.", default={}, update=IN_PLACE, since="17.0.0"
    )


@resource_type("OS::Glance::WebImage", since="12.0.0")
class WebImage(ResourceType[WebImageProps]):
    """An image whose data the image service fetches from a URL."""

    properties = WebImageProps
    service = "image"
    entity = Entity("image", "/images", "", "images")
    attributes: ClassVar = {}

    def validate(self, props: WebImageProps) -> None:
        """Formats of one kind go together, and only shared images have members."""
        formats = (props.container_format, props.disk_format)
        amazon = [each for each in formats if each in _AMAZON]
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

    async def create(self, ctx: Context, props: WebImageProps) -> None:
        """Make an image without data."""
        body = _given(props, *_CREATED, *_PATCHED)
        body.setdefault("name", ctx.physical_name)
        body["tags"] = props.tags or []
        live = await ctx.cloud.image.post("/images", {**body, **(props.extra_properties or {})})
        await ctx.created(live["id"], live)

    async def configure(self, ctx: Context, props: WebImageProps) -> None:
        """Have the data fetched, unless that was asked for before, and share the image."""
        if (await _image(ctx))["status"] == "queued":
            method = {"name": "web-download", "uri": props.location}
            await _import(ctx, {"method": method})
        await _share(ctx, props.members or ())

    async def is_ready(self, ctx: Context, props: WebImageProps) -> bool:
        """Whether the data is there; then the image is made active or not, as wanted."""
        live = await ctx.live(fresh=True)
        _check_import(live)
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
            *_changes(_given(old, *_PATCHED), _given(new, *_PATCHED)),
            *_changes(old.extra_properties or {}, new.extra_properties or {}),
        ]
        live = await _image(ctx)
        before, after = set(old.members or ()), set(new.members or ())
        if live["visibility"] == "shared":  # of another image the service lets nobody remove them
            for member in sorted(before - after):
                await _drop(ctx, f"/images/{ctx.physical_id}/members/{member}")
        await _patch(ctx, live, changes)
        await _write_tags(ctx, old.tags or (), new.tags or ())
        await _share(ctx, sorted(after - before))


def _given(props: Properties, *names: str) -> JSON:
    return {name: props.data[name] for name in names if props.data.get(name) not in (None, "")}


def _changes(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[JSON]:
    """The JSON patch from one set of fields to another; to add is also to replace."""
    removed: list[JSON] = [{"op": "remove", "path": f"/{key}"} for key in old if key not in new]
    changed = [
        {"op": "add", "path": f"/{key}", "value": value}
        for key, value in new.items()
        if key not in old or old[key] != value
    ]
    return removed + changed


async def _image(ctx: Context) -> JSON:
    live: JSON = await ctx.cloud.image.get(f"/images/{ctx.physical_id}")
    return live


async def _patch(ctx: Context, live: JSON, changes: list[JSON]) -> None:
    """Send the changes; the service refuses to remove what is not there."""
    wanted = [change for change in changes if change["op"] != "remove" or change["path"][1:] in live]
    if wanted:
        path = f"/images/{ctx.physical_id}"
        await ctx.cloud.image.request("PATCH", path, json=wanted, headers=_PATCH, idempotent=True)


async def _import(ctx: Context, body: JSON) -> None:
    try:
        await ctx.cloud.image.post(f"/images/{ctx.physical_id}/import", body)
    except CloudConflict:
        return  # an import is under way already


def _check_import(live: JSON) -> None:
    """A failed import leaves the image queued, with the stores that have nothing of it."""
    if live["status"] == "queued" and live.get("os_glance_failed_import"):
        raise ResourceInError(f"The image could not be fetched to {live['os_glance_failed_import']}")


async def _write_tags(ctx: Context, old: Iterable[str], new: Iterable[str]) -> None:
    tags, before, after = f"/images/{ctx.physical_id}/tags", set(old), set(new)
    for tag in sorted(before - after):
        await _drop(ctx, f"{tags}/{quote(tag, safe='')}")
    for tag in sorted(after - before):
        await ctx.cloud.image.put(f"{tags}/{quote(tag, safe='')}")


async def _share(ctx: Context, members: Iterable[str]) -> None:
    for member in members:
        try:
            await ctx.cloud.image.post(f"/images/{ctx.physical_id}/members", {"member": member})
        except CloudConflict:
            continue  # shared with it already


async def _drop(ctx: Context, path: str) -> None:
    try:
        await ctx.cloud.image.delete(path)
    except CloudNotFound:
        return
