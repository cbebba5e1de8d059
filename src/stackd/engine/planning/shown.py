"""What a resource shows after its planned step: as much of it as can be known beforehand (pure)."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from typing import Any

from stackd.engine.definition.nested_definitions import Attributes
from stackd.engine.definition.scope import attribute_key, base_name
from stackd.records import Resource
from stackd.resources.base import NestedType, ResourceType
from stackd.resources.schema import Properties
from stackd.template.unknown import Unknown


def after_update(
    row: Resource, kind: ResourceType[Any], props: Properties, changed: Collection[str]
) -> Resource:
    """The row after an update in place: the object stays, so does all that the change does not touch."""
    updated = replace(row, properties=props.data)
    if kind.local:
        return replace(updated, attributes={**row.attributes, **kind.attribute_values(updated, {})})
    touched = touched_attributes(kind, changed)
    return replace(updated, attributes=with_unknown(kind.with_computed(updated), touched))


def touched_attributes(kind: ResourceType[Any], changed: Collection[str]) -> frozenset[str]:
    """The attributes that a change of some properties may change.

    Those that show one of the properties, those declared to follow it, and ``show``.
    """
    same = {name for name, each in kind.attributes.items() if {name, each.source} & set(changed)}
    following = {each for name in changed for each in kind.shown_by.get(name, ())}
    return frozenset({"show", *same, *following})


def with_unknown(row: Resource, names: Collection[str]) -> dict[str, Any]:
    """The attributes of a row, of which some are not known until something was done."""
    return {
        key: Unknown(row.name, (base_name(key),)) if base_name(key) in names else value
        for key, value in row.attributes.items()
    }


def with_asked(row: Resource, kind: ResourceType[Any], wanted: Attributes) -> Resource:
    """The row, with attributes that nothing has asked for before as not known: a walk reads them first."""
    if isinstance(kind, NestedType) or row.external_id is not None:
        return row
    readable = kind.stored_names() & (
        kind.attributes.keys() | ({"show"} if kind.entity is not None else set())
    )
    missing = ({str(path[0]) for path in wanted} & readable) - row.attributes.keys()
    if not missing:
        return row
    return replace(
        row, attributes={**row.attributes, **{name: Unknown(row.name, (name,)) for name in missing}}
    )


def lacks(row: Resource, wanted: Attributes) -> bool:
    """Whether a resource that contains a stack has not stored some attribute that is wanted."""
    keys = {attribute_key(str(path[0]), tuple(path[1:])) for path in wanted}
    return not keys <= row.attributes.keys()


def all_unknown(row: Resource) -> Resource:
    """The row while nothing that it shows is known but which object it stands for."""
    return replace(row, attributes=with_unknown(row, {base_name(key) for key in row.attributes}))
