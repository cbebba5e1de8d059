"""OS::Neutron::PortPairGroup, service functions that share the load."""

from __future__ import annotations

from typing import ClassVar

from stackd.resources.neutron.network import names
from stackd.resources.neutron.plugged import DESCRIPTION, description_of, name_of, plugged
from stackd.resources.registry import resource_type
from stackd.resources.rest import Field, RestResource
from stackd.resources.schema import IN_PLACE, Properties, Support, prop


class PortPairGroupProps(Properties):
    """Properties of a group of port pairs."""

    name: str | None = name_of("group")
    description: str | None = description_of("group")
    port_pairs: list[str] = prop(
        "Names or ids of the pairs; each is in one group only.",
        required=True,
        update=IN_PLACE,
        element_find="neutron.port_pair",
    )


@resource_type("OS::Neutron::PortPairGroup", support=Support("UNSUPPORTED", "8.0.0"))
class PortPairGroup(RestResource[PortPairGroupProps]):
    """Functions of the same kind, among which flows are spread."""

    extension = "sfc"
    entity = plugged("/sfc/port_pair_groups", "port_pair_group", "port_pair_groups")
    lookups: ClassVar = {"neutron.port_pair_group": names("Port pair group", "/sfc/port_pair_groups")}
    survives = True
    fields: ClassVar = {
        "name": "name",
        "description": DESCRIPTION,
        "port_pairs": Field("port_pairs", cleared=[]),
    }
