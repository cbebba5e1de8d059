from typing import Any

import pytest

from stackd.errors import PropertyError
from stackd.resources.aws.instance_props import InstanceProps, as_server, check_interfaces
from stackd.template.unknown import Unknown


def instance(**properties: Any) -> InstanceProps:
    return InstanceProps.load({"ImageId": "i", "InstanceType": "m"} | properties)


def test_an_instance_is_a_server_with_the_guest_tools() -> None:
    server = as_server(
        instance(
            KeyName="key",
            AvailabilityZone="az",
            SecurityGroups=["web", "db"],
            SecurityGroupIds=["db", "x"],
            Tags=[{"Key": "a", "Value": "1"}, {"Key": "a", "Value": "2"}],
            NovaSchedulerHints=[{"Key": "group", "Value": "g"}],
            UserData="#!/bin/sh",
        )
    )
    assert server.user_data_format == "HEAT_CFNTOOLS"
    assert (server.image, server.flavor, server.key_name, server.availability_zone) == ("i", "m", "key", "az")
    assert (server.security_groups, server.metadata) == (["web", "db", "x"], {"a": "2"})
    assert (server.scheduler_hints, server.user_data) == ({"group": "g"}, "#!/bin/sh")
    assert as_server(instance()).user_data == ""


@pytest.mark.parametrize(
    ("properties", "networks"),
    [
        ({}, []),
        ({"SubnetId": "s"}, [{"subnet": "s"}]),
        ({"SubnetId": "s", "NetworkInterfaces": ["p", "q"]}, [{"port": "p"}, {"port": "q"}]),
        (
            {
                "NetworkInterfaces": [
                    {"NetworkInterfaceId": "p", "DeviceIndex": "10"},
                    {"NetworkInterfaceId": "q", "DeviceIndex": "2"},
                ]
            },
            [{"port": "q"}, {"port": "p"}],
        ),
    ],
)
def test_networks_are_the_interfaces_in_order_or_the_subnet(properties: Any, networks: Any) -> None:
    found = as_server(instance(**properties)).networks or []
    assert [each.body("port", "subnet") for each in found] == networks


def test_devices_are_volumes_of_snapshots() -> None:
    ebs = {"SnapshotId": "snap", "VolumeSize": "3", "DeleteOnTermination": False}
    server = as_server(instance(BlockDeviceMappings=[{"DeviceName": "vdb", "Ebs": ebs}]))
    [device] = server.block_device_mapping_v2 or []
    assert device.body("device_name", "snapshot_id", "volume_size", "delete_on_termination") == {
        "device_name": "vdb",
        "snapshot_id": "snap",
        "volume_size": 3,
        "delete_on_termination": False,
    }


@pytest.mark.parametrize(
    "entry", [7, {}, {"DeviceIndex": 1}, {"NetworkInterfaceId": "p", "DeviceIndex": "first"}]
)
def test_interfaces_must_name_ports(entry: Any) -> None:
    with pytest.raises(PropertyError, match="A network interface is the id of a port") as caught:
        check_interfaces(["p", entry])
    assert caught.value.path == "properties.NetworkInterfaces[1]"


def test_interfaces_that_are_not_known_yet_are_not_judged() -> None:
    check_interfaces(Unknown("x"))
    check_interfaces([Unknown("x"), {"NetworkInterfaceId": Unknown("x"), "DeviceIndex": Unknown("y")}])
