"""Previews of creates and updates, resource by resource, read from the plan (pure)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final

from stackd.engine.definition.desired import Desired
from stackd.engine.definition.scope import StackScope, base_name
from stackd.engine.planning.diff import reason_of
from stackd.engine.planning.plan import Plan, StackPlan, Step
from stackd.engine.planning.verbs import VERBS, Verb
from stackd.engine.usecases.queries import NO_OUTPUT_DESCRIPTION, enabled_outputs, known_part, required_by
from stackd.engine.usecases.requests import Checked
from stackd.engine.validation.resource_rules import open_properties
from stackd.engine.validation.tree import Expanded
from stackd.records import Action, Resource, Stack, Status
from stackd.resources.base import NestedType
from stackd.template.masking import NOTHING, Secrets, concealed, concealed_fields, shown_id
from stackd.urls import shown_name

NOT_THERE: Final = "None"
"""Placeholder for the id of an object that does not exist yet."""

_LISTS: Final = ("unchanged", "updated", "replaced", "added", "deleted")
_REASONS: Final = {Verb.CREATE: "it is new"}
CONTAINS: Final = "it contains a stack; nothing changes"


@dataclass(frozen=True, slots=True, kw_only=True)
class PreviewedResource:
    """A resource as it is or would be. ``properties`` are None where they are not shown."""

    name: str
    type: str
    project_id: str
    stack_name: str
    stack_id: str
    required_by: Sequence[str] = ()
    action: Action = Action.INIT
    status: Status = Status.COMPLETE
    status_reason: str = ""
    physical_id: str = ""
    created_at: datetime | None = None
    updated_at: datetime | None = None
    description: str = ""
    metadata: Mapping[str, Any] = field(default_factory=dict)
    attributes: Mapping[str, Any] = field(default_factory=dict)
    properties: Mapping[str, Any] | None = None
    parent_resource: str | None = None
    nested_stack_id: str | None = None
    reason: str | None = None


Tree = list[Any]
"""The resources of a stack; a nested stack is the list of its resources."""


@dataclass(frozen=True, slots=True)
class NewStack:
    """A stack that would be created: its parameters and outputs as far as they are known, its resources."""

    stack: Stack
    description: str
    parameters: Mapping[str, str]
    outputs: Mapping[str, Mapping[str, Any]]
    resources: Tree


def new_stack(stack: Stack, checked: Checked) -> NewStack:
    """The preview of the creation of a stack."""
    desired = checked.desired
    shown = dict(desired.parameters.shown())
    if "OS::stack_id" in shown:
        shown["OS::stack_id"] = NOT_THERE
    resources = _tree(checked.expanded, stack.project_id, checked.expanded.secrets())
    description = desired.source.template.description
    return NewStack(stack, description, shown, _outputs(desired), resources)


def _outputs(desired: Desired) -> dict[str, dict[str, Any]]:
    values = desired.outputs(desired.scope({}))
    described = desired.source.template.outputs
    return {
        name: {
            "description": described[name].description or NO_OUTPUT_DESCRIPTION,
            **known_part(values[name]),
        }
        for name in enabled_outputs(desired)
        if name in values
    }


def _tree(expanded: Expanded, project_id: str, secrets: Secrets, parent: str | None = None) -> Tree:
    needed_by = expanded.desired.required_by()
    identity = (project_id, expanded.name, NOT_THERE)
    shown: Tree = []
    for name in expanded.desired.resources:
        child = expanded.children.get(name)
        if child is not None:
            shown.append(_tree(child, project_id, secrets, name))
            continue
        made = _would_be(expanded.desired, name, identity, needed_by.get(name, ()), parent, full=True)
        shown.append(_concealed(made, secrets))
    return shown


@dataclass(frozen=True, slots=True)
class Changes:
    """The plan of an update, and the secret texts that must be masked in it."""

    stack: Stack
    plan: Plan
    secrets: Secrets

    def lists(self, *, nested: bool) -> dict[str, list[PreviewedResource]]:
        """The resources grouped by what would happen to each; with ``nested`` those of nested stacks too."""
        found: dict[str, list[PreviewedResource]] = {name: [] for name in _LISTS}
        root = self.plan.root
        for each in () if root is None else root.walk() if nested else (root,):
            for step, view in _planned(self.stack, each):
                listed, reason = _listed(step, each)
                found[listed].append(_concealed(replace(view, reason=reason), self.secrets))
        return found


def _listed(step: Step, plan: StackPlan) -> tuple[str, str]:
    """The list in which a step stands, and why; what contains a stack counts as updated, as in Heat."""
    if step.verb is Verb.KEEP and _contains_stack(step, plan):
        return VERBS[Verb.UPDATE].listed, CONTAINS
    reasons = (step.refused, reason_of(step.causes) or _REASONS.get(step.verb, ""))
    return VERBS[step.verb].listed, " ".join(filter(None, reasons))


def _contains_stack(step: Step, plan: StackPlan) -> bool:
    kind = plan.desired.types.get(step.name) if plan.desired is not None else None
    return kind is not None and isinstance(kind.handler, NestedType)


def _concealed(view: PreviewedResource, secrets: Secrets) -> PreviewedResource:
    if secrets == NOTHING:
        return view
    names = ("metadata", "reason", "status_reason")
    hidden = {name: concealed(getattr(view, name), secrets) for name in names}
    properties = None if view.properties is None else concealed_fields(view.properties, secrets)
    attributes = concealed_fields(view.attributes, secrets)
    return replace(view, properties=properties, attributes=attributes, **hidden)


def _planned(root: Stack, plan: StackPlan) -> Iterator[tuple[Step, PreviewedResource]]:
    """The steps of one stack, each with its resource."""
    around = plan.stack or root
    name = around.name if plan.stack is not None else "-".join((root.name, *plan.path))
    identity = (root.project_id, name, plan.stack.id if plan.stack is not None else NOT_THERE)
    rows = {row.id: row for row in plan.stored}
    needed_by = required_by(row for row in plan.order.current.values() if row is not None)
    will_need = plan.desired.required_by() if plan.desired is not None else {}
    parent = around.parent_resource if plan.stack is not None else plan.path[-1] if plan.path else None
    steps = list(plan.own())
    replaced = {step.name for step in steps if step.verb is Verb.REPLACE}
    for step in steps:
        if step.removes and step.name in replaced:
            continue  # it is listed once, as replaced
        row = rows.get(step.row)
        stays = step.verb is Verb.UPDATE or (step.verb is Verb.KEEP and _contains_stack(step, plan))
        if row is not None and (plan.desired is None or step.removes or stays):
            kind = plan.desired.types.get(step.name) if plan.desired is not None else None
            shown = row if kind is None else kind.handler.with_computed(row)
            yield step, _as_is(shown, around, needed_by.get(step.name, ()))
        elif plan.desired is not None:
            users = will_need.get(step.name, ())
            yield step, _would_be(plan.desired, step.name, identity, users, parent)


def _would_be(
    desired: Desired,
    name: str,
    identity: tuple[str, str, str],
    needed_by: Sequence[str],
    parent: str | None,
    *,
    full: bool = False,
) -> PreviewedResource:
    """A resource as its definition describes it; with its properties, defaults included, if ``full``."""
    scope = desired.scope({})
    definition, kind = desired.resources[name], desired.types[name]
    project_id, stack_name, stack_id = identity
    return PreviewedResource(
        name=name,
        type=shown_name(definition.type),
        project_id=project_id,
        stack_name=stack_name,
        stack_id=stack_id,
        required_by=needed_by,
        description=definition.description or "",
        metadata=known_part(desired.metadata(name, scope)),
        attributes=dict.fromkeys(kind.handler.attributes),
        properties=_all_properties(desired, name, scope) if full else None,
        parent_resource=parent,
    )


def _all_properties(desired: Desired, name: str, scope: StackScope) -> dict[str, Any]:
    """The properties as far as they are known, with their defaults; null for those without a value."""
    schemas = desired.types[name].handler.properties.schema
    shown = dict.fromkeys(key for key, each in schemas.items() if each.implemented and not each.hidden)
    known: dict[str, Any] = known_part(open_properties(desired, name, scope).data)
    return {**shown, **known}


def _as_is(row: Resource, stack: Stack, needed_by: Iterable[str]) -> PreviewedResource:
    """A resource as stored."""
    return PreviewedResource(
        name=row.name,
        type=shown_name(row.type),
        project_id=stack.project_id,
        stack_name=stack.name,
        stack_id=stack.id,
        required_by=list(needed_by),
        action=row.action,
        status=row.status,
        status_reason=row.reason,
        physical_id=shown_id(row.physical_id) or "",
        created_at=row.created_at,
        updated_at=row.updated_at or row.created_at,
        metadata=row.metadata,
        attributes={name: value for name, value in row.attributes.items() if base_name(name) == name},
        parent_resource=stack.parent_resource,
        nested_stack_id=row.nested_stack_id,
    )
