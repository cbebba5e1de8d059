"""OS::Heat::Value, a value under a name, computed once and used in many places."""

from __future__ import annotations

from typing import Any, ClassVar

from stackd.errors import PropertyError
from stackd.records import Resource
from stackd.resources.base import ResourceType, attr
from stackd.resources.constraints import one_of
from stackd.resources.context import JSON, Context
from stackd.resources.registry import resource_type
from stackd.resources.schema import IN_PLACE, Properties, prop
from stackd.template.schemas import convert
from stackd.template.unknown import has_unknown


class ValueProps(Properties):
    """Properties of ``OS::Heat::Value``."""

    value: Any = prop("What the attribute of the same name gives.", required=True, update=IN_PLACE)
    type: str | None = prop(
        "The type that the value is converted to.",
        update=IN_PLACE,
        constraints=[one_of("string", "number", "comma_delimited_list", "json", "boolean")],
    )


@resource_type("OS::Heat::Value", since="7.0.0")
class Value(ResourceType[ValueProps]):
    """Keeps a value, converted to a type if one is given, for other resources and outputs to use."""

    properties = ValueProps
    local = True
    attributes: ClassVar = {"value": attr("The value in its type.", "any")}

    def validate(self, props: ValueProps) -> None:
        """The value must be convertible to the type."""
        if not has_unknown(props.data):
            converted(props.type, props.value)

    async def create(self, ctx: Context, props: ValueProps) -> None:
        """Nothing but a name is made."""
        await ctx.created(ctx.physical_name)

    def attribute_values(self, resource: Resource, live: JSON) -> dict[str, Any]:
        """The value in its type."""
        props = ValueProps.load(resource.properties)
        return {"value": converted(props.type, props.value)}


def converted(kind: str | None, value: Any) -> Any:
    """A value as a parameter of this type would have it; any value stays as it is without a type."""
    if kind is None or value is None:
        return value
    try:
        return convert(kind, value)
    except ValueError as error:
        raise PropertyError(str(error), path="properties.value", remedy=f"Give a {kind}.") from error
