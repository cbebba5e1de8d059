"""Parts of the properties of instances and launch configurations, which are the same for both."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from stackd.errors import PropertyError
from stackd.resources.schema import Properties, prop

NO_ADDRESS: Final = "0.0.0.0"  # noqa: S104  what is shown, not where anything listens
"""What an instance shows as its address while it has none."""


class Ebs(Properties):
    """The volume of a block device."""

    delete_on_termination: bool = prop(
        "Whether the volume goes with the instance.", name="DeleteOnTermination", default=True
    )
    iops: float | None = prop("Not implemented.", name="Iops", implemented=False)
    snapshot: str | None = prop(
        "The snapshot of which to make the volume.", name="SnapshotId", find="cinder.snapshot"
    )
    size: str | None = prop("Size of the volume in GB.", name="VolumeSize")
    volume_type: str | None = prop("Not implemented.", name="VolumeType", implemented=False)


class BlockDeviceMapping(Properties):
    """An entry of ``BlockDeviceMappings``."""

    device: str = prop("Name of the device in the instance, such as vdb.", name="DeviceName", required=True)
    ebs: Ebs | None = prop("The volume.", name="Ebs")
    no_device: dict[str, Any] | None = prop("Not implemented.", name="NoDevice", implemented=False)
    virtual_name: str | None = prop("Not implemented.", name="VirtualName", implemented=False)


class Pair(Properties):
    """A key with its value."""

    key: str = prop("The key.", name="Key", required=True)
    value: str = prop("The value.", name="Value", required=True)


def by_key(pairs: Sequence[Any] | None) -> dict[str, str]:
    """Pairs as a map; of the same key the last one counts."""
    return {each["Key"]: each["Value"] for each in pairs or ()}


def check_devices(devices: Any) -> None:
    """Every block device needs a snapshot, of which its volume is made; unknown ones are not judged."""
    for index, device in enumerate(devices if isinstance(devices, list) else ()):
        volume = device.get("Ebs") if isinstance(device, Mapping) else None
        if isinstance(device, Mapping) and (volume is None or _lacks_snapshot(volume)):
            raise PropertyError(
                "A block device is made of a snapshot: Ebs with a SnapshotId is required.",
                path=f"properties.BlockDeviceMappings[{index}]",
                remedy="Give it Ebs with the SnapshotId of a volume snapshot, or use Volumes.",
            )


def _lacks_snapshot(volume: Any) -> bool:
    return isinstance(volume, Mapping) and volume.get("SnapshotId") in (None, "")


def tags_without_effect() -> Any:
    """Declare the property ``Tags`` of a type whose object in the cloud has no pairs of keys and values."""
    return prop("Pairs of keys and texts; they have no effect.", name="Tags")
