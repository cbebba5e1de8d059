"""The properties of OS::Neutron::Port."""

from __future__ import annotations

from typing import Any

from stackd.resources.constraints import custom, one_of
from stackd.resources.neutron.network import former, tags, value_specs
from stackd.resources.schema import IN_PLACE, Properties, Support, prop

_OLD_SUBNET = Support("HIDDEN", "5.0.0", previous=Support("DEPRECATED", "2014.2 "))
_VNIC_TYPES = (
    "normal",
    "direct",
    "macvtap",
    "direct-physical",
    "baremetal",
    "virtio-forwarder",
    "smart-nic",
)


class FixedIPProps(Properties):
    """An address of a port, or the subnet to take one from."""

    subnet_id: str | None = former("subnet", "neutron.subnet", support=_OLD_SUBNET)
    subnet: str | None = prop(
        "Name or id of the subnet that the address belongs to.", find="neutron.subnet", since="2014.2"
    )
    ip_address: str | None = prop(
        "The address; the service chooses one when it is left out.", constraints=[custom("ip_addr")]
    )


class AddressPairProps(Properties):
    """Addresses, beside its own, from which a port may send."""

    mac_address: str | None = prop(
        "MAC address; the port's own by default.", constraints=[custom("mac_addr")]
    )
    ip_address: str = prop(
        "IP address or range in CIDR notation.", required=True, constraints=[custom("ip_or_cidr")]
    )


class PortProps(Properties):
    """Properties of a port."""

    name: str | None = prop("Name of the port.", update=IN_PLACE)
    network_id: str | None = former("network", "neutron.network")
    network: str = prop("Name or id of the network.", required=True, find="neutron.network", since="2014.2")
    device_id: str = prop("Id of the device that uses the port.", default="", update=IN_PLACE)
    device_owner: str = prop(
        "What kind of device uses the port, as in network:router_interface.", default="", update=IN_PLACE
    )
    fixed_ips: list[FixedIPProps] | None = prop("Addresses of the port.", update=IN_PLACE)
    no_fixed_ips: bool = prop(
        "Whether the port is to have no address at all.", default=False, update=IN_PLACE, since="16.0.0"
    )
    security_groups: list[Any] | None = prop(
        "Names or ids of the port's security groups; the project's default group when left out.",
        update=IN_PLACE,
    )
    value_specs: dict[str, Any] = value_specs()
    admin_state_up: bool = prop("Whether the port carries traffic.", default=True, update=IN_PLACE)
    allowed_address_pairs: list[AddressPairProps] | None = prop(
        "Further addresses from which the port may send.", update=IN_PLACE
    )
    vnic_type: str = prop(
        "How the port is connected to a guest.",
        name="binding:vnic_type",
        default="normal",
        update=IN_PLACE,
        constraints=[one_of(*_VNIC_TYPES)],
        since="2015.1",
    )
    port_security_enabled: bool | None = prop(
        "Whether security groups guard the port.", update=IN_PLACE, since="5.0.0"
    )
    qos_policy: str | None = prop(
        "Name or id of the port's QoS policy.", update=IN_PLACE, find="neutron.qos_policy", since="6.0.0"
    )
    dns_name: str | None = prop(
        "DNS name of the port.", update=IN_PLACE, constraints=[custom("dns_name")], since="7.0.0"
    )
    mac_address: str | None = prop("MAC address of the port.", constraints=[custom("mac_addr")])
    replacement_policy: str = prop(
        "Whether every update of the stack makes a new port.",
        default="AUTO",
        update=IN_PLACE,
        constraints=[one_of("REPLACE_ALWAYS", "AUTO")],
        support=Support(
            "HIDDEN", "9.0.0", previous=Support("DEPRECATED", "6.0.0", previous=Support(version="2014.2"))
        ),
    )
    tags: list[str] | None = tags("port")
    propagate_uplink_status: bool | None = prop(
        "Whether the guest sees the state of the physical link (SR-IOV).", update=IN_PLACE, since="15.0.0"
    )
