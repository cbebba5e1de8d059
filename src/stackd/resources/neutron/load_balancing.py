"""The load balancers of the network service's first version, retired; those of Octavia came after them."""

from __future__ import annotations

from typing import Final

from stackd.resources.heat.none import NoneResource
from stackd.resources.registry import resource_type
from stackd.resources.schema import Support

_BORN: Final = Support(version="2014.1")


def _retired(successor: str, before: Support | None = None) -> Support:
    message = f"Use OS::Octavia::{successor}."
    deprecated = Support("DEPRECATED", "7.0.0", message=message, previous=before)
    return Support("HIDDEN", "9.0.0", message=message, previous=deprecated)


@resource_type("OS::Neutron::HealthMonitor", support=_retired("HealthMonitor"))
class HealthMonitor(NoneResource):
    """Takes any properties and does nothing, for old templates; OS::Octavia::HealthMonitor works."""


@resource_type("OS::Neutron::Pool", support=_retired("Pool"))
class Pool(NoneResource):
    """Takes any properties and does nothing, for old templates; OS::Octavia::Pool works."""


@resource_type("OS::Neutron::PoolMember", support=_retired("PoolMember", _BORN))
class PoolMember(NoneResource):
    """Takes any properties and does nothing, for old templates; OS::Octavia::PoolMember works."""


@resource_type("OS::Neutron::LoadBalancer", support=_retired("LoadBalancer", _BORN))
class LoadBalancer(NoneResource):
    """Takes any properties and does nothing, for old templates; OS::Octavia::LoadBalancer works."""
