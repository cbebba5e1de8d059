"""What has got another name in resources: types, and properties that moved."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

from stackd.resources.property_schema import PropertySchema
from stackd.resources.registry import Registry
from stackd.rewrite.edits import Assign, Edit, Rename
from stackd.template.functions.base import TemplatePath

RENAMED_TYPES: Final = {
    "OS::Ceilometer::Alarm": "OS::Aodh::Alarm",
    "OS::Ceilometer::GnocchiAggregationByMetricsAlarm": "OS::Aodh::GnocchiAggregationByMetricsAlarm",
    "OS::Ceilometer::GnocchiAggregationByResourcesAlarm": "OS::Aodh::GnocchiAggregationByResourcesAlarm",
    "OS::Ceilometer::GnocchiResourcesAlarm": "OS::Aodh::GnocchiResourcesAlarm",
    "OS::Metering::Alarm": "OS::Aodh::Alarm",
    "OS::Heat::SoftwareDeployments": "OS::Heat::SoftwareDeploymentGroup",
    "OS::Heat::StructuredDeployments": "OS::Heat::StructuredDeploymentGroup",
    "OS::Magnum::BayModel": "OS::Magnum::ClusterTemplate",
}
"""Types that are the same under another name."""
REPLACED_TYPES: Final = {
    "OS::Ceilometer::CombinationAlarm": "OS::Aodh::CompositeAlarm",
    "OS::Designate::Domain": "OS::Designate::Zone",
    "OS::Designate::Record": "OS::Designate::RecordSet",
    "OS::Glance::Image": "OS::Glance::WebImage",
    "OS::Magnum::Bay": "OS::Magnum::Cluster",
    "OS::Neutron::LBaaS::HealthMonitor": "OS::Octavia::HealthMonitor",
    "OS::Neutron::LBaaS::L7Policy": "OS::Octavia::L7Policy",
    "OS::Neutron::LBaaS::L7Rule": "OS::Octavia::L7Rule",
    "OS::Neutron::LBaaS::Listener": "OS::Octavia::Listener",
    "OS::Neutron::LBaaS::LoadBalancer": "OS::Octavia::LoadBalancer",
    "OS::Neutron::LBaaS::Pool": "OS::Octavia::Pool",
    "OS::Neutron::LBaaS::PoolMember": "OS::Octavia::PoolMember",
    "OS::Neutron::RouterGateway": "external_gateway_info of OS::Neutron::Router",
    "OS::Nova::FloatingIP": "OS::Neutron::FloatingIP",
    "OS::Nova::FloatingIPAssociation": "OS::Neutron::FloatingIPAssociation",
}
"""Types whose work others do now, which have other properties or make another object."""
_MEMBERS: Final = {"OS::Heat::ResourceGroup": "resource_def", "OS::Heat::AutoScalingGroup": "resource"}
"""The property of a group that defines its members."""
OUT_OF_USE: Final = frozenset({"DEPRECATED", "HIDDEN", "UNSUPPORTED"})


class Found(NamedTuple):
    """Something that is out of use: where, why, and how it is written now if that is known.

    What is ``required`` has to be rewritten, or else the template cannot have the version.
    """

    path: TemplatePath
    reason: str
    edit: Edit | None = None
    required: bool = False


def old_names(
    body: Mapping[str, Any], path: TemplatePath, keys: Mapping[str, str], registry: Registry
) -> Iterator[Found]:
    """What is out of use in a resource, and in the members that it defines if it is a group."""
    name, properties = body.get(keys["type"]), body.get(keys["properties"])
    if not isinstance(name, str):
        return
    yield from _old_type(name, (*path, keys["type"]), registry)
    if name in registry and isinstance(properties, dict):
        schema = registry.get(name).properties.schema
        yield from _old_properties(schema, properties, (*path, keys["properties"]))
        member = _MEMBERS.get(name, "")
        if isinstance(properties.get(member), dict):
            inner = (*path, keys["properties"], member)
            yield from old_names(properties[member], inner, _MEMBER_KEYS, registry)


_MEMBER_KEYS: Final = {"type": "type", "properties": "properties"}


def _old_type(name: str, path: TemplatePath, registry: Registry) -> Iterator[Found]:
    if new := RENAMED_TYPES.get(name):
        yield Found(path, f"{name} is called {new} now", Assign(path, new))
    elif new := REPLACED_TYPES.get(name):
        yield Found(path, f"{name} is out of use: {new} does this now, as another object")
    elif name in registry and (support := registry.get(name).support).status in OUT_OF_USE:
        yield Found(path, f"{name} is {support.status.lower()}. {support.message or ''}".rstrip())


def _old_properties(
    schemas: Mapping[str, PropertySchema], given: Mapping[str, Any], path: TemplatePath
) -> Iterator[Found]:
    for name, value in given.items():
        schema = schemas.get(name)
        if schema is None:
            continue
        here = (*path, name)
        if schema.support.status in OUT_OF_USE:
            yield _old_property(schema, given, here)
        if schema.keys is not None and isinstance(value, dict):
            yield from _old_properties(schema.keys, value, here)
        elif schema.element is not None and schema.element.keys and isinstance(value, list):
            for index, item in enumerate(value):
                if isinstance(item, dict):
                    yield from _old_properties(schema.element.keys, item, (*here, index))


def _old_property(schema: PropertySchema, given: Mapping[str, Any], path: TemplatePath) -> Found:
    new = schema.moved_to
    if new is None:
        hint = schema.support.message or "Nothing has taken its place under another name."
        return Found(path, f"the property {schema.name} is {schema.support.status.lower()}. {hint}")
    if new in given:
        return Found(path, f"the property {schema.name} is called {new} now, which is given too: keep one")
    if given[schema.name] is None:
        return Found(path, f"the property {schema.name} is called {new} now. It is null here: leave it out")
    return Found(path, f"the property {schema.name} is called {new} now", Rename(path, new))
