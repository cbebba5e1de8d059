"""OS::Heat::Value, a value under a name, computed once and used in many places."""

from __future__ import annotations

from typing import Any, ClassVar, Final

from stackd.errors import PropertyError
from stackd.resources.attributes import attr
from stackd.resources.base import ResourceType
from stackd.resources.constraints import one_of
from stackd.resources.context import Context
from stackd.resources.property_schema import PropertySchema, convert
from stackd.resources.registry import resource_type
from stackd.resources.schema import IN_PLACE, Properties, prop
from stackd.template.unknown import has_unknown

_TYPES: Final = {
    "string": "string",
    "number": "number",
    "comma_delimited_list": "list",
    "json": "map",
    "boolean": "boolean",
}


class ValueProps(Properties):
    """Properties of ``OS::Heat::Value``."""

    value: Any = prop("What the attribute of the same name gives.", required=True, update=IN_PLACE)
    type: str | None = prop(
        "The type that the value must have.",
        update=IN_PLACE,
        constraints=[one_of("string", "number", "comma_delimited_list", "json", "boolean")],
    )


@resource_type("OS::Heat::Value", since="7.0.0")
class Value(ResourceType[ValueProps]):
    """Keeps a value, of a certain type if one is given, for other resources and outputs to use."""

    local = True
    attributes: ClassVar = {
        "value": attr(
            "The value as it was given.", "any", compute=lambda resource: resource.properties.get("value")
        )
    }

    def validate(self, props: ValueProps) -> None:
        """The value must be one that a property of the type would take."""
        kind = _TYPES.get(props.type or "")
        if kind is None or has_unknown(props.data):
            return
        errors: list[PropertyError] = []
        convert(PropertySchema("value", kind), props.value, "properties.value", errors)
        if errors:
            raise errors[0]

    async def create(self, ctx: Context, props: ValueProps) -> None:
        """Nothing but a name is made."""
        await ctx.created(ctx.physical_name)
