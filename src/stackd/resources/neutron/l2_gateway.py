"""OS::Neutron::L2Gateway, switches that connect networks with what is outside of the cloud."""

from __future__ import annotations

from typing import Any, ClassVar

from stackd.resources.neutron.network import network
from stackd.resources.registry import resource_type
from stackd.resources.rest import RestResource, same
from stackd.resources.schema import IN_PLACE, Properties, prop


class InterfaceProps(Properties):
    """An interface of a switch."""

    name: str = prop("Name of the interface.", required=True)
    segmentation_id: list[Any] | None = prop("Numbers of the VLANs that may pass.")


class DeviceProps(Properties):
    """A switch of the gateway."""

    device_name: str = prop("Name of the switch.", required=True)
    interfaces: list[InterfaceProps] = prop("Interfaces that belong to the gateway.", required=True)


class L2GatewayProps(Properties):
    """Properties of a layer-2 gateway."""

    name: str = prop("Name of the gateway.", required=True, update=IN_PLACE)
    devices: list[DeviceProps] = prop("The switches of the gateway.", required=True, update=IN_PLACE)


@resource_type("OS::Neutron::L2Gateway", since="12.0.0")
class L2Gateway(RestResource[L2GatewayProps]):
    """Interfaces of switches, behind which a network goes on outside of the cloud."""

    extension = "l2-gateway"
    entity = network("l2_gateway")
    survives = True
    fields: ClassVar = same("name", "devices")
