"""OS::Neutron::MeteringRule, which chooses the traffic that is counted under a label."""

from __future__ import annotations

from typing import ClassVar

from stackd.resources.attributes import attr
from stackd.resources.constraints import one_of
from stackd.resources.neutron.network import network
from stackd.resources.registry import resource_type
from stackd.resources.rest import RestResource, same
from stackd.resources.schema import Properties, prop

_FIELDS = ("metering_label_id", "remote_ip_prefix", "direction", "excluded")


class MeteringRuleProps(Properties):
    """Properties of a rule."""

    metering_label_id: str = prop("Id of the label.", required=True)
    remote_ip_prefix: str = prop("Addresses of the other side in CIDR notation.", required=True)
    direction: str = prop(
        "Whether traffic that comes in or goes out is counted.",
        default="ingress",
        constraints=[one_of("ingress", "egress")],
    )
    excluded: bool = prop("Whether this traffic is left out instead.", default="False")


@resource_type("OS::Neutron::MeteringRule", since="2014.1")
class MeteringRule(RestResource[MeteringRuleProps]):
    """Traffic for a label. A label has no two rules that overlap, so that the values tell rules apart."""

    entity = network(
        "metering_label_rule",
        path="/metering/metering-label-rules",
        name_field="",
        distinct=True,
        found_by=("metering_label_id", "direction"),
    )
    survives = True
    fields: ClassVar = same(*_FIELDS)
    attributes: ClassVar = {
        "metering_label_id": attr("Id of the label."),
        "remote_ip_prefix": attr("Addresses of the other side."),
        "direction": attr("Direction of the traffic."),
        "excluded": attr("Whether this traffic is left out."),
    }
