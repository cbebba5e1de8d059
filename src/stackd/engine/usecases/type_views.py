"""What is shown of a resource type: its properties, attributes and support status (pure)."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Final

from stackd.resources.base import ResourceType
from stackd.resources.property_schema import PropertySchema

Json = dict[str, Any]

SHOW: Final = {"type": "map", "description": "Detailed information about resource."}
"""The attribute that every type has."""

_KEPT: Final = 64  # views of types, some 30 kB each


@lru_cache(_KEPT)
def schema(kind: ResourceType[Any], *, described: bool) -> Json:
    """Properties, attributes and support status of a type; not to be changed."""
    view: Json = {
        "resource_type": kind.type_name,
        "properties": {name: each.shown() for name, each in shown_properties(kind).items()},
        "attributes": {**attributes(kind), "show": SHOW},
        "support_status": kind.support.shown(),
    }
    if described:
        view["description"] = kind.description
    return view


def attributes(kind: ResourceType[Any]) -> Json:
    """The attributes of a type except ``show``, which every type has; those of any type name none."""
    return {
        name: {"type": attribute.type, "description": attribute.description}
        if attribute.type != "any"
        else {"description": attribute.description}
        for name, attribute in kind.attributes.items()
        if attribute.support.status != "HIDDEN"
    }


def shown_properties(kind: ResourceType[Any]) -> dict[str, PropertySchema]:
    """The properties that templates should use, and those that they still may."""
    schemas = kind.properties.schema.items()
    return {name: each for name, each in schemas if each.implemented and not each.hidden}
