"""OS::Neutron::PortPair, a function through which traffic is steered."""

from __future__ import annotations

from typing import Any, ClassVar

from stackd.resources.neutron.network import names
from stackd.resources.neutron.plugged import DESCRIPTION, description_of, name_of, plugged
from stackd.resources.registry import resource_type
from stackd.resources.rest import Field, RestResource
from stackd.resources.schema import Properties, Support, prop


class PortPairProps(Properties):
    """Properties of a port pair."""

    name: str | None = name_of("pair")
    description: str | None = description_of("pair")
    ingress: str = prop(
        "Name or id of the port at which traffic enters the function.", required=True, find="neutron.port"
    )
    egress: str = prop(
        "Name or id of the port at which it leaves; may be the same.", required=True, find="neutron.port"
    )
    service_function_parameters: dict[str, Any] = prop(
        "How the function takes traffic: the correlation it understands, and its weight.",
        default={"correlation": None},
    )


@resource_type("OS::Neutron::PortPair", support=Support("UNSUPPORTED", "7.0.0"))
class PortPair(RestResource[PortPairProps]):
    """The two ports of a service function, such as a firewall in a server.

    The service wants the ports bound to a host: the server that has them comes first, by ``depends_on``.
    """

    entity = plugged("/sfc/port_pairs", "port_pair", "port_pairs")
    lookups: ClassVar = {"neutron.port_pair": names("Port pair", "/sfc/port_pairs")}
    survives = True
    fields: ClassVar = {
        "name": "name",
        "description": DESCRIPTION,
        "ingress": "ingress",
        "egress": "egress",
        "service_function_parameters": Field("service_function_parameters", convert=dict),
    }
