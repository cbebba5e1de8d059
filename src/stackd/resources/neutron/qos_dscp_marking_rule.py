"""OS::Neutron::QoSDscpMarkingRule, a mark that packets carry."""

from __future__ import annotations

from typing import ClassVar

from stackd.resources.constraints import one_of
from stackd.resources.inside import InsideResource
from stackd.resources.neutron.qos_rules import QoSRuleProps, rules
from stackd.resources.registry import resource_type
from stackd.resources.rest import same
from stackd.resources.schema import IN_PLACE, prop

_MARKS = (0, *range(8, 41, 2), 46, 48, 56)


class QoSDscpMarkingRuleProps(QoSRuleProps):
    """Properties of the rule."""

    dscp_mark: int = prop("The mark.", required=True, update=IN_PLACE, constraints=[one_of(*_MARKS)])


@resource_type("OS::Neutron::QoSDscpMarkingRule", since="7.0.0")
class QoSDscpMarkingRule(InsideResource[QoSDscpMarkingRuleProps]):
    """Routers on the way can recognise the traffic by its mark and prefer it."""

    extension = "qos"
    inside = "policy"
    survives = True
    entity = rules("dscp_marking")
    fields: ClassVar = same("dscp_mark")
