"""The properties of OS::Glance::WebImage."""

from __future__ import annotations

from typing import Any

from stackd.resources.constraints import between, matches, one_of
from stackd.resources.schema import IN_PLACE, Properties, prop

_UUID = "^([0-9a-fA-F]){8}-([0-9a-fA-F]){4}-([0-9a-fA-F]){4}-([0-9a-fA-F]){4}-([0-9a-fA-F]){12}$"
AMAZON = ("ami", "ari", "aki")
_CONTAINERS = (*AMAZON, "bare", "ovf", "ova", "docker")
_DISKS = (*AMAZON, "vhd", "vhdx", "vmdk", "raw", "qcow2", "vdi", "iso", "ploop")


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
