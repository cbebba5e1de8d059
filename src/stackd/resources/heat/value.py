"""OS::Heat::Value, a value under a name, computed once and used in many places."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import orjson

from stackd.errors import PropertyError
from stackd.records import Resource
from stackd.resources.base import ResourceType, attr
from stackd.resources.constraints import one_of
from stackd.resources.context import JSON, Context
from stackd.resources.registry import resource_type
from stackd.resources.schema import IN_PLACE, Properties, prop
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
    attributes: ClassVar = {"value": attr("The value in its type.", "any")}

    def validate(self, props: ValueProps) -> None:
        """The value must be convertible to the type."""
        if not has_unknown(props.data):
            convert(props.type, props.value)

    async def create(self, ctx: Context, props: ValueProps) -> None:
        """Nothing but a name is made."""
        await ctx.created(ctx.physical_name)

    def attribute_values(self, resource: Resource, live: JSON) -> dict[str, Any]:
        """The value in its type."""
        props = ValueProps.load(resource.properties)
        return {"value": convert(props.type, props.value)}


_BOOLEANS = dict.fromkeys(("t", "true", "on", "y", "yes", "1"), True) | dict.fromkeys(
    ("f", "false", "off", "n", "no", "0"), False
)


def _number(value: Any) -> int | float:
    if isinstance(value, int | float):
        return value
    try:
        return int(value)
    except ValueError:
        return float(value)


def _json(value: Any) -> Any:
    return orjson.loads(value) if isinstance(value, str) and value else value


def _list(value: Any) -> list[str]:
    if isinstance(value, list):
        return [str(each) for each in value]
    if not isinstance(value, str):
        raise ValueError("a list is text with commas or a list")
    return value.split(",") if value else []


_CONVERT: dict[str, Callable[[Any], Any]] = {
    "string": str,
    "number": _number,
    "comma_delimited_list": _list,
    "json": _json,
    "boolean": lambda value: _BOOLEANS[str(value).lower()],
}


def convert(kind: str | None, value: Any) -> Any:
    """A value as a parameter of this type would have it; any value stays as it is without a type."""
    if kind is None or value is None:
        return value
    try:
        return _CONVERT[kind](value)
    except (ValueError, TypeError, KeyError) as error:
        message = f'The value "{value}" is not of type {kind}'
        raise PropertyError(message, path="properties.value", remedy=f"Give a {kind}.") from error
