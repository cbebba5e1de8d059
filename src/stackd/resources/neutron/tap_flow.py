"""OS::Neutron::TaaS::TapFlow, a port whose traffic is copied."""

from __future__ import annotations

from typing import ClassVar

from stackd.resources.constraints import matches, one_of
from stackd.resources.neutron.network import names
from stackd.resources.neutron.plugged import DESCRIPTION, plugged
from stackd.resources.neutron.taps import Tap, described, named
from stackd.resources.registry import resource_type
from stackd.resources.schema import Properties, prop


class TapFlowProps(Properties):
    """Properties of a tap flow."""

    name: str = named("flow")
    description: str = described("flow")
    port: str = prop("Name or id of the port whose traffic is copied.", required=True, find="neutron.port")
    tap_service: str = prop(
        "Name or id of the tap service that gets the copies.",
        required=True,
        find="neutron.taas.tap_service",
    )
    direction: str = prop(
        "Whether what the port receives is copied, what it sends, or both.",
        default="BOTH",
        constraints=[one_of("IN", "OUT", "BOTH")],
    )
    vlan_filter: str | None = prop(
        "Numbers of the VLANs that are copied, with ranges, such as 5-9,20; all without it.",
        constraints=[matches(r"^([0-9]+(-[0-9]+)?)(,([0-9]+(-[0-9]+)?))*$")],
    )


@resource_type("OS::Neutron::TaaS::TapFlow", since="12.0.0")
class TapFlow(Tap[TapFlowProps]):
    """Copies the traffic of a port to a tap service."""

    entity = plugged("/taas/tap_flows", "tap_flow", "tap_flows")
    lookups: ClassVar = {"neutron.taas.tap_flow": names("Tap flow", "/taas/tap_flows")}
    fields: ClassVar = {
        "name": "name",
        "description": DESCRIPTION,
        "port": "source_port",
        "tap_service": "tap_service_id",
        "direction": "direction",
        "vlan_filter": "vlan_filter",
    }
