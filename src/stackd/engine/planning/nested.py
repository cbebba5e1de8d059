"""The steps inside resources that contain stacks (pure).

The recursion into the stack inside is handed in as ``recurse``: nothing here calls back by itself.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from stackd.engine.definition.desired import EMPTY, Desired, Source, build, identity_of, loaded_properties
from stackd.engine.definition.nested_definitions import (
    asked_inside,
    build_child,
    child_environment,
    child_source,
    child_template,
    first_child,
    member_reader,
    members_of,
    nested_attributes,
    no_members,
    output_values,
    placeholder_row,
    private_values,
    siblings_of,
)
from stackd.engine.planning.diff import UNCHANGED, Cause, Difference, metadata_after, present
from stackd.engine.planning.inputs import Inputs, Level, StoredStack
from stackd.engine.planning.plan import Path, StackPlan
from stackd.engine.planning.shown import all_unknown, lacks
from stackd.engine.planning.verbs import Verb, is_unsettled
from stackd.errors import TemplateError
from stackd.records import Action, Definition, Resource, Stack, Status
from stackd.resources.base import Child, Members, NestedType
from stackd.resources.schema import Properties
from stackd.template.parameters import StackIdentity
from stackd.template.unknown import Unknown, has_unknown

PLACEHOLDER = "00000000-0000-0000-0000-000000000000"
"""Stands for the id of a stack that does not exist yet."""

Asked = frozenset[tuple[Any, ...]]
Recurse = Callable[[Desired | None, StoredStack | None, Path, Asked], StackPlan]
"""Plans the stack inside a resource."""

INSIDE = Cause(rule="resources inside it change")
REDEFINED = Cause(rule="the definition of the stack inside it changes")
STAND_INS = Cause(rule="other members stand in while these are updated", unknown=True)
DEFERRED = Cause(rule="planned when what it depends on is known", unknown=True)


def is_broken(row: Resource, child: Stack | None) -> bool:
    """Whether a failed nested stack must be replaced as a whole: it is missing, or was marked unhealthy.

    One whose own check failed is updated: its members know which of them have to be replaced.
    """
    if child is None or child.deleted_at is not None:
        return True
    return row.action is Action.CHECK and (child.action, child.status) != (Action.CHECK, Status.FAILED)


def plan_new(at: Level, name: str, path: Path, recurse: Recurse) -> bool:
    """Plan the stack inside a resource that does not exist yet; whether that has to be deferred."""
    if not at.inputs.ahead:
        return True
    kind = _nested(at, name)
    props = loaded_properties(at.desired, name, at.scope)
    if _is_open(kind, props):
        return True
    if len(path) > at.inputs.max_depth:
        limit = at.inputs.max_depth
        raise TemplateError(f"Recursion depth exceeds {limit}.", path=f"resources.{name}")
    try:
        row, child = first_child(at.desired, name, kind, props, at.scope, PLACEHOLDER)
    except (TypeError, ValueError, AttributeError, LookupError):
        if has_unknown(props.data):
            return True
        raise
    source = at.inputs.with_exports(child_source(at.desired, row, child), "")
    project = at.desired.parameters.get("OS::project_id") or ""
    identity = StackIdentity(project_id=str(project), stack_name="-".join(path), stack_id=PLACEHOLDER)
    built = build_child(at.desired, row, source, identity, at.inputs.registry, strict=False)
    if _is_undecided(built):
        return True
    at.plan.children[name] = recurse(built, None, path, asked_inside(at.wanted(name)))
    return False


def plan_existing(
    at: Level, row: Resource, props: Properties, own: Difference, path: Path, recurse: Recurse
) -> Difference:
    """Compare the stack inside a resource with what it should be; ``own`` is what the resource itself needs.

    Leaves the resource's row in the view as it will be.
    """
    kind, stored = _nested(at, row.name), at.stored.inside(row) if at.stored is not None else None
    if stored is None or stored.source is None or _is_open(kind, props):
        return _deferred(at, row, own)
    members = stored_members(at, row.name, stored)
    policy = at.desired.update_policy(row.name, at.scope)
    metadata = metadata_after(row, kind, at.desired.metadata(row.name, at.scope))
    new = replace(
        row, data=private_values(row, kind, policy, props, members), properties=props.data, metadata=metadata
    )
    try:
        child = kind.child(new, props, members, at.desired.source.files)
    except (TypeError, ValueError, AttributeError, LookupError):
        if has_unknown(props.data):
            return _deferred(at, row, own)
        raise
    definition = child_definition(at, new, child)
    same = own == UNCHANGED and definition == stored.stack.definition and is_settled(at.inputs, row, stored)
    if same and not at.inputs.throughout:
        at.plan.view[row.name] = _as_asked(at, new, kind, members)
        return UNCHANGED
    source = at.inputs.with_exports(child_source(at.desired, new, child), stored.stack.id)
    desired = build_child(
        at.desired,
        new,
        source,
        identity_of(stored.stack),
        at.inputs.registry,
        definition or EMPTY,
        strict=definition is not None,
        previous=_values_before(at, stored, source),
    )
    if _is_undecided(desired):
        return _deferred(at, row, own)
    if own != UNCHANGED:
        steps = _steps(at, row, new, kind, props, members)
        if at.desired.definition.files != stored.stack.definition.files and _wait_with_stacks(steps, members):
            return _deferred(at, row, own)  # a stack that waits becomes what the new files say meanwhile
        if _have_stand_ins(steps, members, desired):
            own = replace(own, causes=(*own.causes, STAND_INS))
    inside = recurse(desired, stored, path, asked_inside(at.wanted(row.name)))
    at.plan.children[row.name] = inside
    at.plan.view[row.name] = _shown(at, new, kind, desired, inside)
    return _difference(own, row, stored.stack, definition, inside)


def _as_asked(at: Level, row: Resource, kind: NestedType[Any], members: Members) -> Resource:
    """A row that stays, with the attributes that are wanted of it now."""
    wanted = at.wanted(row.name)
    if not lacks(row, wanted):
        return row
    return replace(row, attributes=nested_attributes(row, kind, wanted, members))


def _steps(
    at: Level, row: Resource, new: Resource, kind: NestedType[Any], props: Properties, members: Members
) -> list[Mapping[str, Any]]:
    """The members' definitions after each step of a change of a group."""
    old = type(props).wrap(present(row, props))
    batches = kind.batches(new, old, props, members, at.desired.source.files)
    return [each.child.template["resources"] for each in batches if not isinstance(each.child.template, str)]


def _have_stand_ins(steps: Sequence[Mapping[str, Any]], members: Members, desired: Desired) -> bool:
    """Whether the change makes members that are there only while it goes on."""
    known = desired.resources.keys() | members.resources.keys()
    return any(step.keys() - known for step in steps[:-1])


def _wait_with_stacks(steps: Sequence[Mapping[str, Any]], members: Members) -> bool:
    """Whether members that contain stacks keep their definition in a step, and change in a later one."""
    inside = {name for name, member in members.resources.items() if member.nested_stack_id is not None}
    return any(step[name] != steps[-1].get(name) for step in steps[:-1] for name in inside & step.keys())


def _is_undecided(desired: Desired) -> bool:
    """Whether it depends on what is not known yet which resources there are."""
    asked = (each.condition for each in desired.resources.values() if each.condition is not None)
    return any(isinstance(desired.conditions.quietly(each), Unknown) for each in asked)


def _values_before(at: Level, stored: StoredStack, source: Source) -> Mapping[str, Any] | None:
    """The parameters of a nested stack as they are, where some of them may not change."""
    schemas = source.template.parameter_schemas.values()
    if not stored.stack.definition.template or not any(schema.immutable for schema in schemas):
        return None
    return stored_desired(at, stored).parameters


def _difference(
    own: Difference, row: Resource, child: Stack, definition: Definition | None, inside: StackPlan
) -> Difference:
    if own != UNCHANGED or not inside.is_empty:
        return Difference(Verb.UPDATE, own.causes or (INSIDE,), own.changed)
    settled = (child.status, row.status) == (Status.COMPLETE, Status.COMPLETE)
    if (
        settled
        and definition is not None
        and replace(definition, files=child.definition.files) == child.definition
    ):
        return UNCHANGED
    return Difference(Verb.UPDATE, (REDEFINED,))


def _deferred(at: Level, row: Resource, own: Difference) -> Difference:
    at.plan.view[row.name] = all_unknown(row)
    return Difference(Verb.UPDATE, (*own.causes, DEFERRED), own.changed)


def _nested(at: Level, name: str) -> NestedType[Any]:
    kind = at.desired.types[name].handler
    assert isinstance(kind, NestedType)
    return kind


def _is_open(kind: NestedType[Any], props: Properties) -> bool:
    """Whether it is not known yet which resources the stack inside will have."""
    return any(has_unknown(props.data.get(name)) for name in kind.shaping)


def is_settled(inputs: Inputs, row: Resource, stored: StoredStack) -> bool:
    """Whether the stack inside is complete, and none of its objects is known to be missing."""
    rows = (row, *current_rows(stored).values())
    complete = all(each.status is Status.COMPLETE and not is_unsettled(each) for each in rows)
    complete = complete and stored.stack.status is Status.COMPLETE
    return complete and not (inputs.missing and inputs.missing & set(stored.row_ids()))


def current_rows(stored: StoredStack) -> dict[str, Resource]:
    """The rows of a stored stack that are not replaced, by name."""
    return {row.name: row for row in stored.rows if row.replaced_by is None}


def stored_members(at: Level, name: str, stored: StoredStack) -> Members:
    """The members of a resource's nested stack as they are stored."""
    if not stored.stack.definition.template or stored.source is None:
        return no_members(at.desired, name, at.scope)
    desired = stored_desired(at, stored)
    outputs = output_values(stored.stack.outputs or {})
    sibling = siblings_of(at.desired, name, at.scope)
    return members_of(desired, current_rows(stored), outputs, at.inputs.registry, sibling)


def child_definition(at: Level, row: Resource, child: Child) -> Definition | None:
    """The ids of a child's definition; None while a value in it is not known."""
    environment = child_environment(at.desired.source.environment, row, child)
    template = child_template(at.desired, row, child)
    if has_unknown(environment["parameters"]) or has_unknown(template):
        return None
    return at.inputs.identify(template, environment, at.desired.definition.files)


def _shown(at: Level, row: Resource, kind: NestedType[Any], desired: Desired, inside: StackPlan) -> Resource:
    """The row with the attributes that follow from the planned steps inside."""
    scope = desired.scope(inside.view)
    outputs = output_values(desired.outputs(scope))
    rows = {name: each or placeholder_row(desired, name, PLACEHOLDER) for name, each in inside.view.items()}
    references = {name: scope.reference(name) for name in rows}
    members = Members(rows, references, outputs, member_reader(scope))
    return replace(row, attributes=nested_attributes(row, kind, at.wanted(row.name), members))


def stored_desired(at: Level, stored: StoredStack) -> Desired:
    """The stored definition of a nested stack, evaluated."""
    assert stored.source is not None
    source = at.inputs.with_exports(stored.source, stored.stack.id)
    identity = identity_of(stored.stack)
    return build(source, identity, at.inputs.registry, stored.stack.definition, strict=False)
