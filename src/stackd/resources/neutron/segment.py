"""OS::Neutron::Segment, a part of a network that is one broadcast domain."""

from __future__ import annotations

from typing import ClassVar

from stackd.resources.constraints import between
from stackd.resources.neutron.network import names, network
from stackd.resources.neutron.provider import NETWORK_TYPES, check_complete, check_unfit
from stackd.resources.registry import resource_type
from stackd.resources.rest import Field, RestResource, same
from stackd.resources.schema import IN_PLACE, Properties, prop


class SegmentProps(Properties):
    """Properties of a segment."""

    name: str | None = prop("Name of the segment.", update=IN_PLACE)
    network: str = prop("Name or id of the network.", required=True, find="neutron.network")
    network_type: str = prop("How the segment is realised.", required=True, constraints=[NETWORK_TYPES])
    physical_network: str | None = prop("Physical network of the segment.")
    segmentation_id: int | None = prop(
        "Number of the segment: a VLAN, or the key of a tunnel.", constraints=[between(1)]
    )
    description: str | None = prop("What the segment is for.", update=IN_PLACE)


@resource_type("OS::Neutron::Segment", since="9.0.0")
class Segment(RestResource[SegmentProps]):
    """A part of a network that is routed to the other parts."""

    extension = "segment"
    entity = network("segment", found_by=("name", "network_id"))
    lookups: ClassVar = {"neutron.segment": names("Segment", "/segments")}
    survives = True
    fields: ClassVar = same("name", "network_type", "physical_network", "segmentation_id") | {
        "network": "network_id",
        "description": Field("description", cleared=""),
    }

    def validate(self, props: SegmentProps) -> None:
        """Each type of network has facts of its own."""
        super().validate(props)
        check_unfit(props)
        check_complete(props)
