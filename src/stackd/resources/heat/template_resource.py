"""Templates as resource types: properties are a template's parameters, attributes its outputs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from stackd.errors import TemplateError
from stackd.records import Resource
from stackd.resources.attributes import Attribute
from stackd.resources.base import Child, Members, NestedType, ResourceType
from stackd.resources.heat.members import is_member_attribute, member_attribute, no_attribute
from stackd.resources.property_schema import PropertySchema
from stackd.resources.schema import IN_PLACE, Properties
from stackd.template.functions.refs import select
from stackd.template.schemas import ParameterSchema
from stackd.template.template import Template
from stackd.template.unknown import has_unknown

STACK_ID_OUTPUT = "OS::stack_id"
_TYPES = {
    "string": "string",
    "number": "number",
    "comma_delimited_list": "list",
    "json": "map",
    "boolean": "boolean",
}


class TemplateResource(NestedType[Properties]):
    """A resource that is a stack made from a template of the user's."""

    template: ClassVar[Template]
    source: ClassVar[str] = ""
    checkable = True

    def child(
        self, resource: Resource, props: Properties, members: Members, files: Mapping[str, str]
    ) -> Child:
        """The template with the given properties as parameters."""
        parameters = {name: as_parameter(props.data[name]) for name in sorted(props.data)}
        return Child(self.template.document.text or self.template.data, parameters, self.source)

    def reference(self, resource: Resource) -> Any:
        """The stack's ARN, or the value of the template's output ``OS::stack_id``."""
        said = resource.attributes.get(STACK_ID_OUTPUT)
        return said or resource.data.get("arn") or resource.physical_id or resource.name

    def read(self, resource: Resource, name: str, path: tuple[Any, ...], members: Members) -> Any:
        """An output, or ``resource.<inner name>[.<attribute>]`` of a resource inside."""
        if is_member_attribute(name):
            return member_attribute(resource, name, path, members)
        if name not in self.template.outputs:
            raise no_attribute(resource, name)
        return select(members.output(resource, name), path)


def template_resource(
    schema: Template, source: str = "", defaults: Mapping[str, Any] | None = None
) -> TemplateResource:
    """The resource type that a template makes.

    ``source`` is the template's name or URL; ``defaults`` are the environment's parameter defaults,
    which make a parameter optional.
    """
    optional = (defaults or {}).keys()
    values = {
        name: _property(parameter, parameter.required and name not in optional)
        for name, parameter in schema.parameter_schemas.items()
    }
    outputs = {
        name: Attribute(output.description, "any")
        for name, output in schema.outputs.items()
        if name != STACK_ID_OUTPUT
    }
    properties = type("TemplateProperties", (Properties,), {"schema": values, "__slots__": ()})
    members = {
        "template": schema,
        "source": source,
        "type_name": source,
        "description": schema.description,
        "properties": properties,
        "attributes": outputs,
    }
    made: type[TemplateResource] = type("TemplateResource", (TemplateResource,), members)
    return made()


def _property(parameter: ParameterSchema, required: bool) -> PropertySchema:
    """A parameter as a property; its default is left to the stack inside, so that null is the empty value."""
    return PropertySchema(
        parameter.name,
        _TYPES[parameter.type],
        parameter.description,
        required=required,
        update=IN_PLACE,
        constraints=parameter.constraints,
        convertible=parameter.type in ("json", "comma_delimited_list"),
    )


def as_parameter(value: Any) -> Any:
    """A property's value as a parameter: lists become text, lists of maps ``.member.N.key=value``."""
    if not isinstance(value, list) or has_unknown(value):
        return value
    return ",".join(text for index, each in enumerate(value) for text in _items(index, each))


def _items(index: int, item: Any) -> Iterator[str]:
    if isinstance(item, Mapping):
        yield from (f".member.{index}.{key}={value}" for key, value in item.items())
    else:
        yield "" if item is None else str(item)


def check_facade(provider: TemplateResource, facade: ResourceType[Any], kind: str) -> None:
    """Raise ``TemplateError`` unless the template can stand in for the type ``kind``."""
    problem = next(facade_problems(provider, facade, kind), None)
    if problem:
        raise TemplateError(problem, remedy=f"Give the template the parameters and outputs of {kind}.")


def facade_problems(provider: TemplateResource, facade: ResourceType[Any], kind: str) -> Iterator[str]:
    """Why a template cannot stand in for the type ``kind``."""
    wanted, has = facade.properties.schema, provider.properties.schema
    for name, schema in wanted.items():
        if schema.required and name not in has:
            yield f"Required property {name} for facade {kind} missing in provider"
        elif name in has and not _alike(schema.type, has[name].type):
            wanted_type, type_here = schema.type.capitalize(), has[name].type.capitalize()
            types = f"facade {kind} ({wanted_type}) and provider ({type_here})"
            yield f"Property {name} type mismatch between {types}"
    for name, schema in has.items():
        if schema.required and name not in wanted:
            yield f"Provider requires property {name} unknown in facade {kind}"
    for name in facade.attributes:
        if name not in provider.template.outputs:
            yield f"Attribute {name} for facade {kind} missing in provider"


def _alike(wanted: str, has: str) -> bool:
    """Whether a value of one wire type is one of the other; a parameter knows no integers."""
    return wanted in ("any", has) or (wanted, has) == ("integer", "number")
