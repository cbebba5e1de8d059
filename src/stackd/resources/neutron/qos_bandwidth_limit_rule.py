"""OS::Neutron::QoSBandwidthLimitRule, a limit of the bandwidth."""

from __future__ import annotations

from typing import ClassVar

from stackd.resources.inside import InsideResource
from stackd.resources.neutron.qos_rules import QoSRuleProps, direction, rate, rules
from stackd.resources.registry import resource_type
from stackd.resources.rest import same


class QoSBandwidthLimitRuleProps(QoSRuleProps):
    """Properties of the rule."""

    max_kbps: int = rate("Most kilobits per second.", required=True)
    max_burst_kbps: int = rate("Kilobits that may exceed the limit at once.", default=0)
    direction: str = direction(since="13.0.0")


@resource_type("OS::Neutron::QoSBandwidthLimitRule", since="6.0.0")
class QoSBandwidthLimitRule(InsideResource[QoSBandwidthLimitRuleProps]):
    """Traffic beyond the limit is dropped."""

    extension = "qos"
    inside = "policy"
    survives = True
    entity = rules("bandwidth_limit")
    fields: ClassVar = same("max_kbps", "max_burst_kbps", "direction")
