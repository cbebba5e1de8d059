"""OS::Aodh::CombinationAlarm, retired: what combined the states of several alarms."""

from __future__ import annotations

from stackd.resources.heat.none import NoneResource
from stackd.resources.registry import resource_type
from stackd.resources.schema import Support

_RETIRED = Support(
    "HIDDEN",
    "9.0.0",
    message="Use OS::Aodh::CompositeAlarm, which combines rules.",
    previous=Support("DEPRECATED", "7.0.0", previous=Support(version="2014.1")),
)


@resource_type("OS::Aodh::CombinationAlarm", support=_RETIRED)
class CombinationAlarm(NoneResource):
    """Takes any properties and does nothing, for old templates; OS::Aodh::CompositeAlarm does more."""
