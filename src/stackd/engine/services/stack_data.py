"""A stack with its resources as data: what exports give, snapshots keep, and adoption takes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, Final

from stackd.db.database import Database
from stackd.engine.definition.desired import Source
from stackd.engine.definition.documents import load_definition
from stackd.engine.definition.nested_definitions import HIDDEN_VALUES
from stackd.engine.planning.inputs import StoredStack
from stackd.engine.planning.ordering import best_row, target_of
from stackd.engine.services.stored_trees import load_tree
from stackd.records import Resource, Stack
from stackd.resources.copies import COPY, RESTS, SNAPSHOT
from stackd.urls import shown_name

KEYPAIR: Final = "user_keypair"
"""The private value with the key pair of another resource's user, its secret included."""

OWN_DATA: Final = frozenset(
    {"stack_user", "stack_user_name", "user_id", "password", "arn", "update_policy", SNAPSHOT, COPY}
    | {"ec2_signed_url", RESTS}
    | {HIDDEN_VALUES, KEYPAIR}
)
"""Private values of resources that mean nothing outside of their stack, or are credentials of its guests."""

_SECTIONS: Final = ("resource_registry", "parameters", "parameter_defaults", "event_sinks")


async def load_whole(db: Database, stack: Stack) -> StoredStack:
    """A stack with its own definition, its rows, and all stacks inside it."""
    stored = await load_tree(db, stack)
    return replace(stored, source=await load_definition(db, stack.project_id, stack.definition))


def exported(stored: StoredStack) -> dict[str, Any]:
    """A stack and all that is inside it; nothing is masked, so that it can be adopted (pure)."""
    assert stored.source is not None
    return _exported(stored, stored.source.files)


def _exported(stored: StoredStack, files: Mapping[str, str]) -> dict[str, Any]:
    inside = {}
    for name, row in current_rows(stored.stack, stored.rows).items():
        child = stored.inside(row)
        whole = resource_data(row)
        around = {"resource_data": whole["resource_data"]} if whole["resource_data"] else {}
        inside[name] = whole if child is None else {**_exported(child, {}), **around}
    source = definition_data(stored.source, files) if stored.source is not None else {}
    return {**facts_of(stored.stack), **source, "resources": inside}


def definition_data(source: Source, files: Mapping[str, str]) -> dict[str, Any]:
    """The definition of a stack, as clients know its parts."""
    environment = source.environment.to_data()
    return {
        "template": source.template.data,
        "environment": {name: environment[name] for name in _SECTIONS if name in environment},
        "files": dict(files),
    }


def facts_of(stack: Stack) -> dict[str, Any]:
    """What the data of a stack says of it besides its definition and its resources."""
    return {
        "name": stack.name,
        "id": stack.id,
        "action": stack.action.value,
        "status": stack.status.value,
        "project_id": stack.project_id,
        "stack_user_project_id": stack.stack_user_project_id,
        "tags": list(stack.tags or ()),
    }


def resource_data(row: Resource) -> dict[str, Any]:
    """One resource: its object, its state, and the private values that its type needs to go on with it."""
    return {
        "name": row.name,
        "resource_id": row.physical_id,
        "type": shown_name(row.type),
        "action": row.action.value,
        "status": row.status.value,
        "metadata": dict(row.metadata),
        "resource_data": {key: value for key, value in row.data.items() if key not in OWN_DATA},
    }


def current_rows(stack: Stack, rows: Iterable[Resource]) -> dict[str, Resource]:
    """The row of each name that counts now."""
    by_name: dict[str, list[Resource]] = {}
    for row in rows:
        by_name.setdefault(row.name, []).append(row)
    target = target_of(stack.definition)
    return {name: best_row(group, target) or group[-1] for name, group in by_name.items()}
