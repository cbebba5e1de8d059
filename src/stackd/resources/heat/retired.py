"""Types that do nothing any more: what they made belongs to services or APIs that are gone.

Templates with them are accepted, whatever their properties are, and stacks that have such resources go on,
are updated and deleted. The types are in no list, and cannot be shown.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from stackd.resources.heat.none import NoneResource
from stackd.resources.registry import resource_type
from stackd.resources.schema import Support

_ENDING: Final = frozenset({"DEPRECATED", "HIDDEN"})
_GONE: Final = "The service is no longer part of OpenStack; remove the resource."
_HADOOP: Final = "5.0.0 DEPRECATED 22.0.0 HIDDEN 23.0.0"
_FIRST_HADOOP: Final = "2014.2 DEPRECATED 22.0.0 HIDDEN 23.0.0"
_CLUSTERING: Final = "6.0.0 DEPRECATED 22.0.0 HIDDEN 23.0.0"
_FIRST_BALANCING: Final = "2014.1 DEPRECATED 7.0.0 HIDDEN 9.0.0"
_EARLIEST_BALANCING: Final = "DEPRECATED 7.0.0 HIDDEN 9.0.0"
_BALANCING: Final = "6.0.0 HIDDEN 21.0.0"
_LAYER_7: Final = "7.0.0 HIDDEN 21.0.0"
_NAMES: Final = "5.0.0 DEPRECATED 8.0.0 HIDDEN 10.0.0"

RETIRED: Final[Mapping[str, tuple[str, str]]] = {
    "OS::Aodh::CombinationAlarm": (
        "2014.1 DEPRECATED 7.0.0 HIDDEN 9.0.0",
        "Use OS::Aodh::CompositeAlarm, which combines rules.",
    ),
    "OS::Designate::Domain": (_NAMES, "Use OS::Designate::Zone."),
    "OS::Designate::Record": (_NAMES, "Use OS::Designate::RecordSet."),
    "OS::Glance::Image": ("2014.2 DEPRECATED 8.0.0 HIDDEN 22.0.0", "Use OS::Glance::WebImage."),
    "OS::Heat::HARestarter": (
        "DEPRECATED 2015.1 HIDDEN 10.0.0",
        "A check, or a resource that is marked as broken, has the next update replace what does not work.",
    ),
    "OS::Monasca::AlarmDefinition": (
        "UNSUPPORTED 5.0.0 SUPPORTED 7.0.0 DEPRECATED 22.0.0 HIDDEN 25.0.0",
        _GONE,
    ),
    "OS::Monasca::Notification": ("5.0.0 SUPPORTED 7.0.0 DEPRECATED 22.0.0 HIDDEN 25.0.0", _GONE),
    "OS::Neutron::HealthMonitor": (_EARLIEST_BALANCING, "Use OS::Octavia::HealthMonitor."),
    "OS::Neutron::LBaaS::HealthMonitor": (_BALANCING, "Use OS::Octavia::HealthMonitor."),
    "OS::Neutron::LBaaS::L7Policy": (_LAYER_7, "Use OS::Octavia::L7Policy."),
    "OS::Neutron::LBaaS::L7Rule": (_LAYER_7, "Use OS::Octavia::L7Rule."),
    "OS::Neutron::LBaaS::Listener": (_BALANCING, "Use OS::Octavia::Listener."),
    "OS::Neutron::LBaaS::LoadBalancer": (_BALANCING, "Use OS::Octavia::LoadBalancer."),
    "OS::Neutron::LBaaS::Pool": (_BALANCING, "Use OS::Octavia::Pool."),
    "OS::Neutron::LBaaS::PoolMember": (_BALANCING, "Use OS::Octavia::PoolMember."),
    "OS::Neutron::LoadBalancer": (_FIRST_BALANCING, "Use OS::Octavia::LoadBalancer."),
    "OS::Neutron::Pool": (_EARLIEST_BALANCING, "Use OS::Octavia::Pool."),
    "OS::Neutron::PoolMember": (_FIRST_BALANCING, "Use OS::Octavia::PoolMember."),
    "OS::Sahara::Cluster": (_HADOOP, _GONE),
    "OS::Sahara::ClusterTemplate": (_FIRST_HADOOP, _GONE),
    "OS::Sahara::DataSource": (_HADOOP, _GONE),
    "OS::Sahara::ImageRegistry": (_HADOOP, _GONE),
    "OS::Sahara::Job": ("8.0.0 DEPRECATED 22.0.0 HIDDEN 23.0.0", _GONE),
    "OS::Sahara::JobBinary": (_HADOOP, _GONE),
    "OS::Sahara::NodeGroupTemplate": (_FIRST_HADOOP, _GONE),
    "OS::Senlin::Cluster": (_CLUSTERING, _GONE),
    "OS::Senlin::Node": (_CLUSTERING, _GONE),
    "OS::Senlin::Policy": (_CLUSTERING, _GONE),
    "OS::Senlin::Profile": (_CLUSTERING, _GONE),
    "OS::Senlin::Receiver": (_CLUSTERING, _GONE),
    "OS::Vitrage::Template": ("16.0.0 DEPRECATED 26.0.0 HIDDEN 27.0.0", _GONE),
}
"""By type, its history, and what to do instead.

A history is statuses, each with the version that began it, the oldest first; one that begins with a version
was supported then.
"""


def history(text: str, message: str) -> Support | None:
    """The last status of a history, with those before it; what to do instead belongs to the end of a type."""
    words = text.split()
    if len(words) % 2:
        words.insert(0, "SUPPORTED")
    last: Support | None = None
    for status, version in zip(words[::2], words[1::2], strict=True):
        last = Support(status, version, message if status in _ENDING else None, last)
    return last


_SERVICES: Final = {"OS::Aodh::CombinationAlarm": "alarm"}
"""Services without which templates with a type are refused although it does nothing."""


def _placeholder(name: str, past: str, message: str) -> type[NoneResource]:
    """A class for a row of the table."""
    text = f"Takes any properties and does nothing, for old templates. {message}"
    members = {"__module__": __name__, "__doc__": text, "service": _SERVICES.get(name)}
    made = type(name.rpartition("::")[2], (NoneResource,), members)
    return resource_type(name, support=history(past, message))(made)


MADE_TYPES: Final = tuple(_placeholder(name, *row) for name, row in RETIRED.items())
