"""Block devices of a server: valid combinations, and the request to the compute service. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from stackd.errors import PropertyError
from stackd.resources.nova.server_props import BlockDevice, BlockDeviceV2

_SOURCES = {"volume_id": "volume", "snapshot_id": "snapshot", "image": "image"}
_COMMON = ("device_name", "device_type", "disk_bus", "boot_index", "volume_size", "delete_on_termination")


def check(image: Any, old: Sequence[BlockDevice], new: Sequence[BlockDeviceV2]) -> None:
    """Every device has one source, and the server has one to boot from."""
    if old and new:
        raise PropertyError(
            "Cannot define the following properties at the same time: "
            "block_device_mapping, block_device_mapping_v2.",
            remedy="Use block_device_mapping_v2 only.",
        )
    for index, entry in enumerate(old):
        if (entry.data.get("volume_id") is None) == (entry.data.get("snapshot_id") is None):
            raise _wrong("block_device_mapping", index, "volume_id and snapshot_id")
    for index, device in enumerate(new):
        if len(_sources(device.data)) != 1:
            raise _wrong(
                "block_device_mapping_v2",
                index,
                "volume_id, snapshot_id, image, swap_size and ephemeral_size or ephemeral_format",
            )
    first = [device for device in new if device.data.get("boot_index") == 0]
    bootable = [each for each in new if _sources(each.data)[0] in _SOURCES]
    if len(first) + (image is not None) > 1:
        raise PropertyError(
            "Multiple bootable sources for the server.",
            remedy="Keep one image or one device with boot_index 0.",
        )
    if image is None and not bootable and not old:
        raise PropertyError(
            "Neither image nor bootable volume is specified for the server.", remedy="Give it an image."
        )


def _wrong(name: str, index: int, choices: str) -> PropertyError:
    return PropertyError(
        f"Exactly one of {choices} must be given.",
        path=f"properties.{name}[{index}]",
        remedy="Choose one source.",
    )


def _sources(data: Mapping[str, Any]) -> list[str]:
    found = [name for name in (*_SOURCES, "swap_size") if data.get(name) is not None]
    if any(data.get(name) is not None for name in ("ephemeral_size", "ephemeral_format")):
        found.append("ephemeral")
    return found


def mapping_v1(devices: Sequence[BlockDevice]) -> list[dict[str, Any]]:
    """The old form of the request."""
    return [{key: value for key, value in device.data.items() if value is not None} for device in devices]


def mapping_v2(image: str | None, devices: Sequence[BlockDeviceV2]) -> list[dict[str, Any]]:
    """The new form; an image counts as the first device, and without one the first volume boots."""
    mapped = [_mapped(device.data) for device in devices]
    if image and mapped:
        local = {"source_type": "image", "destination_type": "local", "uuid": image}
        return [{**local, "boot_index": 0, "delete_on_termination": True}, *mapped]
    volumes = [each for each in mapped if "uuid" in each]
    if volumes and all(each.get("boot_index") is None for each in mapped):
        volumes[0]["boot_index"] = 0
    return mapped


def _mapped(data: Mapping[str, Any]) -> dict[str, Any]:
    entry = {key: data[key] for key in (*_COMMON, "volume_type") if data.get(key) is not None}
    source = next((name for name in _SOURCES if data.get(name) is not None), None)
    if source:
        return entry | {
            "uuid": data[source],
            "source_type": _SOURCES[source],
            "destination_type": "volume",
        }
    entry |= {"source_type": "blank", "destination_type": "local"}
    entry.setdefault("boot_index", -1)
    if data.get("swap_size") is not None:
        return entry | {"guest_format": "swap", "volume_size": data["swap_size"]}
    if data.get("ephemeral_format") is not None:
        entry["guest_format"] = data["ephemeral_format"]
    if data.get("ephemeral_size") is not None:
        entry["volume_size"] = data["ephemeral_size"]
    return entry
