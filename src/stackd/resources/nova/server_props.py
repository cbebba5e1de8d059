"""The properties of OS::Nova::Server."""

from __future__ import annotations

from typing import Any

from stackd.resources.constraints import between, custom, one_of
from stackd.resources.heat.transports import PolledProps
from stackd.resources.schema import IN_PLACE, Properties, Support, prop

_OLD_USER = Support(
    "HIDDEN", "5.0.0", previous=Support("DEPRECATED", "2014.1", previous=Support(version="2013.2"))
)
_OLD_IMAGE = Support(
    "HIDDEN", "9.0.0", previous=Support("DEPRECATED", "7.0.0", previous=Support(version="5.0.0"))
)
_OLD_UUID = Support("HIDDEN", "5.0.0", previous=Support("DEPRECATED", "2014.1"))
_OLD_FILES = Support("DEPRECATED", "12.0.0", message="Use user_data or metadata of OS::Nova::Server.")
_VNIC_TYPES = (
    *("normal", "direct", "macvtap", "direct-physical", "baremetal"),
    *("virtio-forwarder", "smart-nic"),
)


class BlockDevice(Properties):
    """An entry of ``block_device_mapping``."""

    device_name: str = prop("Name of the device in the server, such as vda.", required=True)
    volume_id: str | None = prop("The volume to use.", find="cinder.volume")
    snapshot_id: str | None = prop("The snapshot of which to make a volume.", find="cinder.snapshot")
    volume_size: int | None = prop("Size in GB of the volume that is made.")
    delete_on_termination: bool | None = prop("Whether the volume goes with the server.")


class BlockDeviceV2(Properties):
    """An entry of ``block_device_mapping_v2``."""

    device_name: str | None = prop("Name of the device in the server, such as vda.")
    volume_id: str | None = prop("The volume to use.", find="cinder.volume")
    image_id: str | None = prop(
        "The image of which to make a volume.", find="glance.image", support=_OLD_IMAGE, moved_to="image"
    )
    image: str | None = prop("The image of which to make a volume.", find="glance.image", since="7.0.0")
    snapshot_id: str | None = prop("The snapshot of which to make a volume.", find="cinder.snapshot")
    swap_size: int | None = prop("Size in MB of a swap disk.")
    ephemeral_size: int | None = prop(
        "Size in GB of an empty disk that goes with the server.", constraints=[between(1)], since="8.0.0"
    )
    ephemeral_format: str | None = prop(
        "File system of the empty disk.",
        constraints=[one_of("ext2", "ext3", "ext4", "xfs", "ntfs")],
        since="8.0.0",
    )
    device_type: str | None = prop("What the device looks like.", constraints=[one_of("cdrom", "disk")])
    disk_bus: str | None = prop(
        "The bus of the device.", constraints=[one_of("ide", "lame_bus", "sata", "scsi", "usb", "virtio")]
    )
    boot_index: int | None = prop("Place in the order of booting, from 0.")
    volume_size: int | None = prop("Size in GB of the volume that is made.")
    delete_on_termination: bool | None = prop("Whether the volume goes with the server.")
    volume_type: str | None = prop(
        "Type of the volume that is made.", constraints=[custom("cinder.vtype")], since="26.0.0"
    )


class AddressPair(Properties):
    """An address that a port may use besides its own."""

    mac_address: str | None = prop("The hardware address.", constraints=[custom("mac_addr")])
    ip_address: str = prop("The address or range.", required=True, constraints=[custom("ip_or_cidr")])


class PortExtra(Properties):
    """Properties of a port that is made for a server."""

    value_specs: dict[str, Any] = prop("Further attributes of the port.", default={}, update=IN_PLACE)
    admin_state_up: bool = prop("Whether the port is on.", default=True, update=IN_PLACE)
    mac_address: str | None = prop("The hardware address.", constraints=[custom("mac_addr")])
    allowed_address_pairs: list[AddressPair] | None = prop(
        "Addresses that the port may use besides its own.", update=IN_PLACE
    )
    vnic_type: str = prop(
        "Kind of the virtual network card.",
        name="binding:vnic_type",
        default="normal",
        constraints=[one_of(*_VNIC_TYPES)],
        update=IN_PLACE,
        since="2015.1",
    )
    port_security_enabled: bool | None = prop(
        "Whether addresses are checked and security groups apply.", update=IN_PLACE, since="5.0.0"
    )
    qos_policy: str | None = prop(
        "Quality-of-service policy.", update=IN_PLACE, find="neutron.qos_policy", since="6.0.0"
    )
    propagate_uplink_status: bool | None = prop(
        "Whether the port shows the state of its uplink.", update=IN_PLACE, since="15.0.0"
    )
    no_fixed_ips: bool = prop(
        "Whether the port has no addresses.", default=False, update=IN_PLACE, since="16.0.0"
    )


class ServerNetwork(Properties):
    """An entry of ``networks``."""

    uuid: str | None = prop("The network.", find="neutron.network", support=_OLD_UUID, moved_to="network")
    network: str | None = prop("The network to connect to.", find="neutron.network")
    allocate_network: str | None = prop(
        "Whether the service chooses a network, or the server gets none; must be the only entry.",
        constraints=[one_of("none", "auto")],
        update=IN_PLACE,
        since="9.0.0",
    )
    fixed_ip: str | None = prop("The address to have in the network.", constraints=[custom("ip_addr")])
    port: str | None = prop("A port to use.", find="neutron.port")
    port_extra_properties: PortExtra | None = prop(
        "Properties of the port that is made.", update=IN_PLACE, since="6.0.0"
    )
    subnet: str | None = prop("The subnet to have an address of.", since="5.0.0")
    floating_ip: str | None = prop("Id of a floating IP to reach the server by.", since="6.0.0")
    tag: str | None = prop("A text by which the server tells its devices apart.", since="9.0.0")


class ServerProps(PolledProps):
    """Properties of ``OS::Nova::Server``."""

    name: str | None = prop("Name of the server.", update=IN_PLACE)
    image: str | None = prop("The image to boot from.", update=IN_PLACE, find="glance.image")
    block_device_mapping: list[BlockDevice] | None = prop("Volumes of the server, in the old form.")
    block_device_mapping_v2: list[BlockDeviceV2] | None = prop("Disks of the server.", since="2015.1")
    flavor: str = prop("Size of the server.", required=True, update=IN_PLACE, find="nova.flavor")
    flavor_update_policy: str = prop(
        "Whether another flavor resizes the server or replaces it.",
        default="RESIZE",
        constraints=[one_of("RESIZE", "REPLACE")],
        update=IN_PLACE,
    )
    image_update_policy: str = prop(
        "Whether another image rebuilds the server, with or without its ephemeral disk, or replaces it.",
        default="REBUILD",
        constraints=[one_of("REBUILD", "REPLACE", "REBUILD_PRESERVE_EPHEMERAL")],
        update=IN_PLACE,
    )
    key_name: str | None = prop("Key pair to log in with.", find="nova.keypair")
    admin_user: str | None = prop("Has no effect.", support=_OLD_USER)
    availability_zone: str | None = prop("The availability zone to run in.")
    security_groups: list[Any] = prop(
        "Names or ids of security groups, for networks without a port of their own.", default=[]
    )
    networks: list[ServerNetwork] | None = prop("The networks to connect to.", update=IN_PLACE)
    scheduler_hints: dict[str, Any] | None = prop("Hints for the scheduler.")
    metadata: dict[str, Any] = prop("Pairs of keys and texts on the server.", default={}, update=IN_PLACE)
    user_data_format: str = prop(
        "Whether user_data goes to the server as it is, wrapped for the guest tools, or as software config.",
        default="HEAT_CFNTOOLS",
        constraints=[one_of("HEAT_CFNTOOLS", "RAW", "SOFTWARE_CONFIG")],
    )
    user_data_update_policy: str = prop(
        "Whether other user data replaces the server, rebuilds it, or has no effect.",
        default="REPLACE",
        constraints=[one_of("REPLACE", "IGNORE", "REBUILD")],
        update=IN_PLACE,
        since="6.0.0",
    )
    user_data: str = prop("What the server runs when it boots.", default="", update=IN_PLACE)
    reservation_id: str | None = prop("A reservation to use.")
    config_drive: bool | None = prop("Whether the server has a config drive.")
    disk_config: str | None = prop(
        "How the root disk is partitioned.", name="diskConfig", constraints=[one_of("AUTO", "MANUAL")]
    )
    personality: dict[str, Any] = prop(
        "Files to write into the server: texts by path.", default={}, support=_OLD_FILES
    )
    admin_pass: str | None = prop("Password of the administrator.", update=IN_PLACE)
    tags: list[str] | None = prop("Tags of the server.", update=IN_PLACE, since="8.0.0")
