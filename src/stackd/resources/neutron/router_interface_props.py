"""The properties of OS::Neutron::RouterInterface."""

from __future__ import annotations

from stackd.resources.neutron.network import former
from stackd.resources.schema import Properties, Support, prop


def _hidden(since: str) -> Support:
    deprecated = Support("DEPRECATED", "2015.1", previous=Support(version=since))
    return Support("HIDDEN", "6.0.0", previous=deprecated)


class RouterInterfaceProps(Properties):
    """Properties of a router's interface."""

    router: str = prop("Name or id of the router.", required=True, find="neutron.router")
    router_id: str | None = former("router", "neutron.router", "Id of the router.", _hidden("2013.1"))
    subnet_id: str | None = former("subnet", "neutron.subnet")
    subnet: str | None = prop(
        "Name or id of the subnet; the router takes the address of its gateway.", find="neutron.subnet"
    )
    port_id: str | None = former("port", "neutron.port", "Id of the port.", _hidden("2014.1"))
    port: str | None = prop(
        "Name or id of the port that becomes the interface.", find="neutron.port", since="2015.1"
    )
