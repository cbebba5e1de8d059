"""The properties of AWS::EC2::Instance, and the same as properties of a server."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from stackd.errors import PropertyError
from stackd.resources.aws.instance_parts import BlockDeviceMapping, Pair, by_key
from stackd.resources.constraints import one_of
from stackd.resources.nova.server_props import ServerProps
from stackd.resources.schema import IN_PLACE, Properties, prop
from stackd.template.unknown import Unknown


class AttachedVolume(Properties):
    """An entry of ``Volumes``."""

    device: str = prop("Name of the device in the instance, such as /dev/vdb.", name="Device", required=True)
    volume: str = prop("The volume to attach.", name="VolumeId", required=True, find="cinder.volume")


class InstanceProps(Properties):
    """Properties of ``AWS::EC2::Instance``."""

    image: str = prop("The image to boot from.", name="ImageId", required=True, find="glance.image")
    instance_type: str = prop(
        "The flavor.", name="InstanceType", required=True, update=IN_PLACE, find="nova.flavor"
    )
    key: str | None = prop("Key pair to log in with.", name="KeyName", find="nova.keypair")
    zone: str | None = prop("The availability zone to run in.", name="AvailabilityZone")
    no_termination: str | None = prop("Not implemented.", name="DisableApiTermination", implemented=False)
    kernel: str | None = prop("Not implemented.", name="KernelId", implemented=False)
    monitoring: bool | None = prop("Not implemented.", name="Monitoring", implemented=False)
    placement_group: str | None = prop("Not implemented.", name="PlacementGroupName", implemented=False)
    private_address: str | None = prop("Not implemented.", name="PrivateIpAddress", implemented=False)
    ram_disk: str | None = prop("Not implemented.", name="RamDiskId", implemented=False)
    security_groups: list[Any] | None = prop("Names or ids of security groups.", name="SecurityGroups")
    security_group_ids: list[Any] | None = prop("Ids of security groups.", name="SecurityGroupIds")
    interfaces: list[Any] | None = prop(
        "The ports to use: ids, or maps of NetworkInterfaceId and DeviceIndex.",
        name="NetworkInterfaces",
        update=IN_PLACE,
    )
    source_check: bool | None = prop("Not implemented.", name="SourceDestCheck", implemented=False)
    subnet: str | None = prop(
        "The subnet in which a port is made, unless there are network interfaces.",
        name="SubnetId",
        update=IN_PLACE,
    )
    tags: list[Pair] | None = prop("Pairs of keys and texts on the server.", name="Tags", update=IN_PLACE)
    hints: list[Pair] | None = prop("Hints for the scheduler.", name="NovaSchedulerHints")
    tenancy: str | None = prop(
        "Not implemented.", name="Tenancy", implemented=False, constraints=[one_of("dedicated", "default")]
    )
    user_data: str | None = prop("What the instance runs when it boots.", name="UserData")
    volumes: list[AttachedVolume] = prop(
        "Volumes that are attached once it runs.", name="Volumes", default=[]
    )
    devices: list[BlockDeviceMapping] | None = prop(
        "Volumes that are made of snapshots.", name="BlockDeviceMappings"
    )


def as_server(props: InstanceProps) -> ServerProps:
    """The properties of the server that an instance is."""
    data = props.data
    groups = [*(data["SecurityGroups"] or ()), *(data["SecurityGroupIds"] or ())]
    values = {
        "image": data["ImageId"],
        "flavor": data["InstanceType"],
        "key_name": data["KeyName"],
        "availability_zone": data["AvailabilityZone"],
        "security_groups": list(dict.fromkeys(groups)),
        "networks": list(_networks(data)),
        "scheduler_hints": by_key(data["NovaSchedulerHints"]),
        "metadata": by_key(data["Tags"]),
        "user_data_format": "HEAT_CFNTOOLS",
        "user_data": data["UserData"] or "",
        "block_device_mapping_v2": [_device(each) for each in data["BlockDeviceMappings"] or ()],
    }
    return ServerProps.load({key: value for key, value in values.items() if value is not None})


def check_interfaces(interfaces: Any) -> None:
    """Each network interface is an id, or a map with one; unknown ones are not judged."""
    for index, each in enumerate(interfaces if isinstance(interfaces, list) else ()):
        if not isinstance(each, str | Unknown) and not _is_interface(each):
            raise PropertyError(
                "A network interface is the id of a port, or a map with a NetworkInterfaceId "
                "and perhaps a DeviceIndex, a number.",
                path=f"properties.NetworkInterfaces[{index}]",
                remedy="Give the id of a port.",
            )


def _is_interface(entry: Any) -> bool:
    if not isinstance(entry, Mapping) or not entry.get("NetworkInterfaceId"):
        return False
    position = entry.get("DeviceIndex")
    return isinstance(position, int | Unknown | None) or (isinstance(position, str) and position.isdecimal())


def _networks(data: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """The networks of the server: its ports in the order of their devices, else one of the subnet."""
    interfaces = [
        each if isinstance(each, Mapping) else {"NetworkInterfaceId": each, "DeviceIndex": index}
        for index, each in enumerate(data["NetworkInterfaces"] or ())
    ]
    for each in sorted(interfaces, key=lambda each: int(each.get("DeviceIndex") or 0)):
        yield {"port": each["NetworkInterfaceId"]}
    if not interfaces and data["SubnetId"]:
        yield {"subnet": data["SubnetId"]}


def _device(mapping: Mapping[str, Any]) -> dict[str, Any]:
    volume = mapping["Ebs"]
    return {
        "device_name": mapping["DeviceName"],
        "snapshot_id": volume["SnapshotId"],
        "volume_size": volume.get("VolumeSize"),
        "delete_on_termination": volume.get("DeleteOnTermination"),
    }
