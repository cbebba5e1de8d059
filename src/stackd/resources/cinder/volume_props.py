"""The properties of OS::Cinder::Volume."""

from __future__ import annotations

from typing import Any

from stackd.resources.constraints import between
from stackd.resources.schema import IN_PLACE, Properties, Support, prop

_OLD_IMAGE = Support("HIDDEN", "5.0.0", previous=Support("DEPRECATED", "2014.1"))
_OLD_MULTIATTACH = Support("HIDDEN", "13.0.0", previous=Support(version="6.0.0"))


class VolumeProps(Properties):
    """Properties of ``OS::Cinder::Volume``."""

    availability_zone: str | None = prop("The availability zone to put the volume into.")
    size: int | None = prop(
        "Size in GB. It may grow later but not shrink.", update=IN_PLACE, constraints=[between(1)]
    )
    snapshot_id: str | None = prop("A snapshot to make the volume from.", find="cinder.snapshot")
    backup_id: str | None = prop(
        "A backup to restore into the volume.", update=IN_PLACE, find="cinder.backup"
    )
    name: str | None = prop("Name of the volume.", update=IN_PLACE)
    description: str | None = prop("What the volume is for.", update=IN_PLACE)
    volume_type: str | None = prop("Type of the volume.", update=IN_PLACE, find="cinder.vtype")
    metadata: dict[str, Any] = prop("Pairs of keys and texts on the volume.", default={}, update=IN_PLACE)
    image_ref: str | None = prop(
        "An image to copy to the volume.", name="imageRef", support=_OLD_IMAGE, moved_to="image"
    )
    image: str | None = prop("An image to copy to the volume.", find="glance.image")
    source_volid: str | None = prop("A volume to copy.", find="cinder.volume")
    scheduler_hints: dict[str, Any] | None = prop("Hints for the scheduler.", since="2015.1")
    read_only: bool | None = prop("Whether the volume can only be read.", update=IN_PLACE, since="5.0.0")
    multiattach: bool = prop(
        "Has no effect: the volume type decides whether several servers may use a volume.",
        default=False,
        support=_OLD_MULTIATTACH,
    )
