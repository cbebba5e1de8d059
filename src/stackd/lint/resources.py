"""Rules about resources: deprecated types and properties, redundant and missing dependencies."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from stackd.lint.subject import Problem, Subject
from stackd.resources.property_schema import PropertySchema
from stackd.template.functions.base import TemplatePath

_OUT_OF_USE: Final = frozenset({"DEPRECATED", "HIDDEN", "UNSUPPORTED"})
_UNIQUE_NAMES: Final[Mapping[str, tuple[str, ...]]] = {
    "OS::Cinder::QoSSpecs": ("name",),
    "OS::Cinder::VolumeType": ("name",),
    "OS::Nova::KeyPair": ("name",),
    "OS::Nova::Flavor": ("name", "flavorid"),
    "OS::Nova::HostAggregate": ("name",),
    "OS::Keystone::Domain": ("name",),
    "OS::Keystone::Project": ("name",),
    "OS::Keystone::User": ("name",),
    "OS::Keystone::Group": ("name",),
    "OS::Keystone::Region": ("id",),
    "OS::Keystone::Role": ("name",),
    "OS::Swift::Container": ("name",),
    "OS::Glance::WebImage": ("id",),
    "OS::Neutron::FloatingIP": ("floating_ip_address",),
    "OS::Neutron::Port": ("mac_address",),
}


def deprecated_type(subject: Subject) -> Iterator[Problem]:
    """A resource type should not be used any more."""
    for name, kind in subject.kinds.items():
        support = kind.support
        if support.status in _OUT_OF_USE:
            since = f" since {support.version}" if support.version else ""
            message = f"{kind.type_name} is {support.status.lower()}{since}."
            yield Problem(subject.resource_path(name, "type"), message, support.message or "")


def deprecated_property(subject: Subject) -> Iterator[Problem]:
    """A property should not be used any more."""
    for name, kind in subject.kinds.items():
        path = subject.resource_path(name, "properties")
        yield from _deprecated(kind.properties.schema, subject.properties(name), path)


def _deprecated(
    schemas: Mapping[str, PropertySchema], raw: Mapping[str, Any], path: TemplatePath
) -> Iterator[Problem]:
    for name, value in raw.items():
        schema = schemas.get(name)
        if schema is None:
            continue
        here = (*path, name)
        if schema.support.status in _OUT_OF_USE:
            remedy = (
                f"Use {schema.moved_to}." if schema.moved_to else schema.support.message or "Leave it out."
            )
            yield Problem(here, f"The property {name} is no longer in use.", remedy)
        if schema.keys is not None and isinstance(value, dict):
            yield from _deprecated(schema.keys, value, here)
        if schema.element is not None and schema.element.keys and isinstance(value, list):
            for index, item in enumerate(value):
                if isinstance(item, dict):
                    yield from _deprecated(schema.element.keys, item, (*here, index))


def repeated_dependency(subject: Subject) -> Iterator[Problem]:
    """``depends_on`` names what the properties refer to anyway."""
    for name, definition in subject.template.resources.items():
        raw = definition.raw.get(subject.keys["depends_on"])
        for index, needed in enumerate(definition.depends_on):
            if needed in subject.needs[name]:
                below = (index,) if isinstance(raw, list) and raw[index : index + 1] == [needed] else ()
                path = subject.resource_path(name, "depends_on", *below)
                message = f"{name} refers to {needed}, so it waits for it without depends_on, too."
                yield Problem(path, message, "Remove it.")


def fixed_name(subject: Subject) -> Iterator[Problem]:
    """A name that only one object can have is written down."""
    for name, kind in subject.kinds.items():
        for key in _UNIQUE_NAMES.get(kind.type_name, ()):
            value = subject.properties(name).get(key)
            if isinstance(value, str) and value:
                message = f"Only one {kind.type_name} can have the {key} {value!r}: a second stack will fail."
                path = subject.resource_path(name, "properties", key)
                yield Problem(path, message, "Make it a parameter, or leave it out.")


def missing_route(subject: Subject) -> Iterator[Problem]:
    """A server with a floating IP may boot before its network's router interface is there."""
    subnets = frozenset(subject.of_type("OS::Neutron::Subnet"))
    interfaces: dict[str, str] = {}
    for interface in subject.of_type("OS::Neutron::RouterInterface"):
        for subnet in subject.needs[interface] & subnets:
            interfaces |= dict.fromkeys((subnet, *subject.needs[subnet]), interface)
    addresses = subject.of_type("OS::Neutron::FloatingIP", "OS::Neutron::FloatingIPAssociation")
    public = {needed for address in addresses for needed in subject.needs[address]}
    ports = frozenset(subject.of_type("OS::Neutron::Port"))
    for server in subject.of_type("OS::Nova::Server"):
        if server not in public and not (subject.needs[server] & public & ports):
            continue
        needed = subject.all_needed(server)
        for interface in sorted({interfaces[each] for each in needed if each in interfaces} - needed):
            message = f"{server} may boot before {interface} is there, without a way out of its network."
            yield Problem(subject.resource_path(server), message, f"Add depends_on: {interface}.")
