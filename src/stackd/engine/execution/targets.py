"""What one resource is to be, by its definition."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from stackd.engine.definition.desired import Desired, loaded_properties
from stackd.engine.definition.nested_definitions import Attributes
from stackd.engine.execution.resource_context import ResourceContext
from stackd.engine.execution.stack_run import StackRun
from stackd.engine.planning.diff import metadata_after
from stackd.records import Resource, type_name
from stackd.resources.base import NestedType
from stackd.resources.schema import Properties


@dataclass(frozen=True, slots=True)
class Target:
    """What one resource is to be, now that all references are known.

    ``intent`` are the values that are stored with the beginning of whatever is done. ``external`` is
    the id of an object that is not ours. ``wanted`` are the attributes that something refers to.
    """

    props: Properties
    metadata: dict[str, Any]
    external: str | None
    intent: dict[str, Any]
    wanted: Attributes


def resolve(at: StackRun, desired: Desired, name: str) -> Target:
    """What a resource is to be; raises what is wrong with its properties."""
    scope = at.scope
    metadata, external = desired.metadata(name, scope), desired.external_id(name, scope)
    props = Properties.wrap({})
    if external is None:
        props = loaded_properties(desired, name, scope)
        desired.types[name].handler.validate(props)
    intent: dict[str, Any] = {"properties": props.data, **origin(at, desired, name)}
    if metadata:
        intent["metadata"] = metadata
    if isinstance(desired.types[name].handler, NestedType):
        policy = desired.update_policy(name, scope)
        intent["data"] = {"update_policy": policy or None}  # for the type's ``batches``
    return Target(props, metadata, external, intent, at.wanted(name))


def for_row(work: ResourceContext, target: Target) -> Target:
    """The target of a row that stays: its metadata keep what did not come from a template.

    They are written only if they change, so that no signal is lost that comes meanwhile.
    """
    intent = {key: value for key, value in target.intent.items() if key != "metadata"}
    metadata = metadata_after(work.resource, work.kind, target.metadata)
    if metadata != dict(work.resource.metadata):
        intent["metadata"] = metadata
    return replace(target, intent=intent)


def origin(at: StackRun, desired: Desired, name: str) -> dict[str, Any]:
    """What a row keeps of the definition it was last applied from, apart from the properties."""
    kind = desired.types[name]
    return {
        "type": type_name(kind.written),
        "kind": type_name(kind.name),
        "applied_from": at.target,
        "requires": tuple(sorted(desired.requires[name])),
        "deletion_policy": desired.resources[name].deletion_policy,
    }


def is_as_noted(at: StackRun, row: Resource) -> bool:
    """Whether a row keeps all of its definition, but perhaps which one it was last applied from."""
    noted = origin(at, at.desired, row.name) | {"applied_from": row.applied_from}
    return all(getattr(row, name) == value for name, value in noted.items())


def lacks_attributes(work: ResourceContext, wanted: Attributes) -> bool:
    """Whether something refers to attributes that were not stored when the resource was made."""
    row = work.resource
    if isinstance(work.kind, NestedType):
        return True
    missing = {str(path[0]) for path in wanted} - row.attributes.keys()
    return bool(missing & work.kind.stored_names())
