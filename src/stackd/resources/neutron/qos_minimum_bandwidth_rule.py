"""OS::Neutron::QoSMinimumBandwidthRule, a bandwidth that is guaranteed."""

from __future__ import annotations

from typing import ClassVar

from stackd.resources.inside import InsideResource
from stackd.resources.neutron.qos_rules import QoSRuleProps, direction, rate, rules
from stackd.resources.registry import resource_type
from stackd.resources.rest import same


class QoSMinimumBandwidthRuleProps(QoSRuleProps):
    """Properties of the rule."""

    min_kbps: int = rate("Least kilobits per second.", required=True)
    direction: str = direction()


@resource_type("OS::Neutron::QoSMinimumBandwidthRule", since="14.0.0")
class QoSMinimumBandwidthRule(InsideResource[QoSMinimumBandwidthRuleProps]):
    """Servers are placed where the bandwidth can be had."""

    extension = "qos-bw-minimum-ingress"
    inside = "policy"
    survives = True
    entity = rules("minimum_bandwidth")
    fields: ClassVar = same("min_kbps", "direction")
