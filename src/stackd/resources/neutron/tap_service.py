"""OS::Neutron::TaaS::TapService, a port that receives copies of traffic."""

from __future__ import annotations

from typing import ClassVar

from stackd.resources.neutron.network import names
from stackd.resources.neutron.plugged import DESCRIPTION, plugged
from stackd.resources.neutron.taps import Tap, described, named
from stackd.resources.registry import resource_type
from stackd.resources.schema import Properties, prop


class TapServiceProps(Properties):
    """Properties of a tap service."""

    name: str = named("service")
    description: str = described("service")
    port: str = prop("Name or id of the port that gets the copies.", required=True, find="neutron.port")


@resource_type("OS::Neutron::TaaS::TapService", since="12.0.0")
class TapService(Tap[TapServiceProps]):
    """Where copies of the traffic of other ports go, mostly to a server that looks into it."""

    entity = plugged("/taas/tap_services", "tap_service", "tap_services")
    lookups: ClassVar = {"neutron.taas.tap_service": names("Tap service", "/taas/tap_services")}
    fields: ClassVar = {"name": "name", "description": DESCRIPTION, "port": "port_id"}
