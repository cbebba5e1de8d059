"""OS::Neutron::LBaaS::*, retired: what balanced load before the service of its own."""

from __future__ import annotations

from stackd.resources.heat.none import NoneResource
from stackd.resources.registry import resource_type
from stackd.resources.schema import Support


def _retired(since: str) -> Support:
    message = "Use the type of the same name in OS::Octavia."
    return Support("HIDDEN", "21.0.0", message=message, previous=Support(version=since))


@resource_type("OS::Neutron::LBaaS::LoadBalancer", support=_retired("6.0.0"))
class LoadBalancer(NoneResource):
    """Takes any properties and does nothing, for old templates; OS::Octavia::LoadBalancer does more."""


@resource_type("OS::Neutron::LBaaS::Listener", support=_retired("6.0.0"))
class Listener(NoneResource):
    """Takes any properties and does nothing, for old templates; OS::Octavia::Listener does more."""


@resource_type("OS::Neutron::LBaaS::Pool", support=_retired("6.0.0"))
class Pool(NoneResource):
    """Takes any properties and does nothing, for old templates; OS::Octavia::Pool does more."""


@resource_type("OS::Neutron::LBaaS::PoolMember", support=_retired("6.0.0"))
class PoolMember(NoneResource):
    """Takes any properties and does nothing, for old templates; OS::Octavia::PoolMember does more."""


@resource_type("OS::Neutron::LBaaS::HealthMonitor", support=_retired("6.0.0"))
class HealthMonitor(NoneResource):
    """Takes any properties and does nothing, for old templates; OS::Octavia::HealthMonitor does more."""


@resource_type("OS::Neutron::LBaaS::L7Policy", support=_retired("7.0.0"))
class L7Policy(NoneResource):
    """Takes any properties and does nothing, for old templates; OS::Octavia::L7Policy does more."""


@resource_type("OS::Neutron::LBaaS::L7Rule", support=_retired("7.0.0"))
class L7Rule(NoneResource):
    """Takes any properties and does nothing, for old templates; OS::Octavia::L7Rule does more."""
