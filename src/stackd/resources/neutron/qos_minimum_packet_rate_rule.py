"""OS::Neutron::QoSMinimumPacketRateRule, a packet rate that is guaranteed."""

from __future__ import annotations

from typing import ClassVar

from stackd.resources.inside import InsideResource
from stackd.resources.neutron.qos_rules import QoSRuleProps, direction, rate, rules
from stackd.resources.registry import resource_type
from stackd.resources.rest import same


class QoSMinimumPacketRateRuleProps(QoSRuleProps):
    """Properties of the rule."""

    min_kpps: int = rate("Least thousands of packets per second.", required=True)
    direction: str = direction("any")


@resource_type("OS::Neutron::QoSMinimumPacketRateRule", since="19.0.0")
class QoSMinimumPacketRateRule(InsideResource[QoSMinimumPacketRateRuleProps]):
    """Servers are placed where the packet rate can be had."""

    extension = "qos-pps-minimum"
    inside = "policy"
    survives = True
    entity = rules("minimum_packet_rate")
    fields: ClassVar = same("min_kpps", "direction")
