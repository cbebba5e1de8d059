"""OS::Neutron::FlowClassifier, the traffic that a port chain takes."""

from __future__ import annotations

from typing import Any, ClassVar

from stackd.resources.constraints import between, custom, one_of
from stackd.resources.neutron.network import names
from stackd.resources.neutron.plugged import DESCRIPTION, description_of, name_of, plugged
from stackd.resources.registry import resource_type
from stackd.resources.rest import RestResource, same
from stackd.resources.schema import Properties, Support, prop

_PORTS = tuple(f"{end}_port_range_{bound}" for end in ("source", "destination") for bound in ("min", "max"))


def _prefix(end: str) -> Any:
    return prop(f"Addresses that packets {end}, in CIDR notation.", constraints=[custom("net_cidr")])


def _bound(which: str) -> Any:
    return prop(f"{which} of the packets.", constraints=[between(1, 65535)])


class FlowClassifierProps(Properties):
    """Properties of a flow classifier."""

    name: str | None = name_of("classifier")
    description: str | None = description_of("classifier")
    protocol: str | None = prop("Protocol of the packets.", constraints=[one_of("tcp", "udp", "icmp")])
    ethertype: str = prop(
        "Version of the Internet Protocol.", default="IPv4", constraints=[one_of("IPv4", "IPv6")]
    )
    source_ip_prefix: str | None = _prefix("come from")
    destination_ip_prefix: str | None = _prefix("go to")
    source_port_range_min: int | None = _bound("First source port")
    source_port_range_max: int | None = _bound("Last source port")
    destination_port_range_min: int | None = _bound("First destination port")
    destination_port_range_max: int | None = _bound("Last destination port")
    logical_source_port: str | None = prop(
        "Name or id of the port that sends the packets; the reference plug-in requires one.",
        find="neutron.port",
    )
    logical_destination_port: str | None = prop(
        "Name or id of the port that receives the packets.", find="neutron.port"
    )
    l7_parameters: dict[str, Any] | None = prop(
        "What is to be found in the packets.",
        support=Support("UNSUPPORTED", message="No plug-in looks into packets."),
    )


@resource_type("OS::Neutron::FlowClassifier", support=Support("UNSUPPORTED", "8.0.0"))
class FlowClassifier(RestResource[FlowClassifierProps]):
    """Selects packets by where they come from, where they go to, and how."""

    entity = plugged("/sfc/flow_classifiers", "flow_classifier", "flow_classifiers")
    lookups: ClassVar = {"neutron.flow_classifier": names("Flow classifier", "/sfc/flow_classifiers")}
    survives = True
    fields: ClassVar = {
        **same("name", "protocol", "ethertype", "source_ip_prefix", "destination_ip_prefix", *_PORTS),
        **same("logical_source_port", "logical_destination_port", "l7_parameters"),
        "description": DESCRIPTION,
    }
