"""What would be: new stacks and updates in the form that previews have."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from starlette.responses import Response

from stackd.engine.definition.desired import Desired
from stackd.engine.planning.diff import reason_of
from stackd.engine.planning.plan import Plan, StackPlan, Step
from stackd.engine.planning.verbs import VERBS, Verb
from stackd.engine.usecases.queries import NO_OUTPUT_DESCRIPTION as NOT_DESCRIBED
from stackd.engine.usecases.queries import Facts, enabled_outputs, known_part, required_by
from stackd.engine.usecases.requests import Checked
from stackd.engine.validation.tree import Expanded
from stackd.offload import offloaded
from stackd.records import Action, Resource, Stack, Status
from stackd.routers import views
from stackd.routers.front import Call
from stackd.template.masking import Secrets, concealed

Json = dict[str, Any]

_LISTS = ("unchanged", "updated", "replaced", "added", "deleted")
_REASONS = {Verb.CREATE: "it is new"}
_NOT_THERE = "None"
_PER_RESOURCE = 500
"""What a resource counts, as bytes of template, when a preview decides whether to leave the event loop."""


async def new_stack(call: Call, stack: Stack, checked: Checked) -> Response:
    """A stack that would be created, with its resources."""
    size = _PER_RESOURCE * checked.expanded.count()
    answer: Response = await offloaded(
        size, lambda: views.answer({"stack": _new_stack(call, stack, checked)})
    )
    return answer


def _new_stack(call: Call, stack: Stack, checked: Checked) -> Json:
    desired = checked.desired
    shown = dict(desired.parameters.shown())
    if "OS::stack_id" in shown:
        shown["OS::stack_id"] = _NOT_THERE
    facts = Facts(stack.description, shown, {}, 0)
    view = views.stack_view(call, stack, facts, outputs(desired))
    del view["stack_status"], view["stack_status_reason"]
    view["resources"] = concealed(tree(checked.expanded, stack.project_id), checked.expanded.secrets())
    return view


def outputs(desired: Desired) -> list[Json]:
    """Outputs as far as they are known beforehand."""
    values = desired.outputs(desired.scope({}))
    described = desired.source.template.outputs
    return [
        views.output_view(
            name, {"description": described[name].description or NOT_DESCRIBED, **known_part(values[name])}
        )
        for name in enabled_outputs(desired)
        if name in values
    ]


def tree(expanded: Expanded, project_id: str, parent: str | None = None) -> list[Any]:
    """The resources of a stack to be; one that contains a stack is a list of that stack's resources."""
    shown: list[Any] = []
    identity = (project_id, expanded.name, _NOT_THERE)
    needed_by = expanded.desired.required_by()
    for name in expanded.desired.resources:
        child = expanded.children.get(name)
        if child is not None:
            shown.append(tree(child, project_id, name))
        else:
            users = needed_by.get(name, [])
            shown.append(would_be(expanded.desired, name, identity, users, parent))
    return shown


def would_be(
    desired: Desired,
    name: str,
    identity: tuple[str, str, str],
    needed_by: list[str],
    parent: str | None = None,
    *,
    full: bool = True,
) -> Json:
    """A resource that does not exist yet; ``full`` shows its properties too."""
    scope = desired.scope({})
    definition, kind = desired.resources[name], desired.types[name]
    view = _raw(identity, name, definition.type, needed_by, definition.description or "")
    view["metadata"] = known_part(desired.metadata(name, scope))
    view["attributes"] = dict.fromkeys(kind.handler.attributes)
    if full:
        view["properties"] = known_part(desired.properties(name, scope))
    if parent is not None:
        view["parent_resource"] = parent
    return view


def as_is(row: Resource, stack: Stack, needed_by: Iterable[str]) -> Json:
    """A resource as it is stored."""
    view = _raw((stack.project_id, stack.name, stack.id), row.name, row.type, list(needed_by), "")
    view |= {
        "creation_time": views.moment(row.created_at),
        "updated_time": views.moment(row.updated_at or row.created_at),
        "physical_resource_id": row.physical_id or "",
        "resource_action": row.action,
        "resource_status": row.status,
        "resource_status_reason": row.reason,
        "metadata": row.metadata,
        "attributes": {name: value for name, value in row.attributes.items() if "\x1f" not in name},
    }
    if stack.parent_resource is not None:
        view["parent_resource"] = stack.parent_resource
    if row.nested_stack_id:
        view["nested_stack_id"] = row.nested_stack_id
    return view


def _raw(identity: tuple[str, str, str], name: str, kind: str, needed_by: list[str], text: str) -> Json:
    tenant, stack_name, stack_id = identity
    where = {"tenant": tenant, "stack_name": stack_name, "stack_id": stack_id}
    return {
        "resource_name": name,
        "resource_type": kind,
        "resource_action": Action.INIT,
        "resource_status": Status.COMPLETE,
        "resource_status_reason": "",
        "physical_resource_id": "",
        "creation_time": None,
        "updated_time": None,
        "required_by": needed_by,
        "resource_identity": {**where, "path": f"/resources/{name}"},
        "stack_identity": {**where, "path": ""},
        "stack_name": stack_name,
        "description": text,
    }


async def changes(call: Call, stack: Stack, plan: Plan, secrets: Secrets, *, nested: bool) -> Response:
    """The resources by what would happen to each; with ``nested`` those of stacks inside too."""
    size = _PER_RESOURCE * len(plan.steps)
    answer: Response = await offloaded(
        size, lambda: views.answer({"resource_changes": change_lists(stack, plan, secrets, nested=nested)})
    )
    return answer


def change_lists(stack: Stack, plan: Plan, secrets: Secrets, *, nested: bool) -> dict[str, list[Json]]:
    """The five lists of a preview."""
    found: dict[str, list[Json]] = {name: [] for name in _LISTS}
    root = plan.root
    for each in () if root is None else root.walk() if nested else (root,):
        for step, view in _planned(stack, each):
            view["reason"] = reason_of(step.causes) or _REASONS.get(step.verb, "")
            view["metadata"] = concealed(view["metadata"], secrets)
            found[VERBS[step.verb].listed].append(view)
    return found


def _planned(root: Stack, plan: StackPlan) -> Iterator[tuple[Step, Json]]:
    """The steps of one stack, each with its resource as a preview shows it."""
    around = plan.stack or root
    name = around.name if plan.stack is not None else "-".join((root.name, *plan.path))
    identity = (root.project_id, name, plan.stack.id if plan.stack is not None else _NOT_THERE)
    rows = {row.id: row for row in plan.stored}
    needed_by = required_by(row for row in plan.order.current.values() if row is not None)
    will_need = plan.desired.required_by() if plan.desired is not None else {}
    parent = around.parent_resource if plan.stack is not None else plan.path[-1] if plan.path else None
    for step in plan.own():
        row = rows.get(step.row)
        if plan.desired is None or step.removes or (step.verb is Verb.UPDATE and row is not None):
            assert row is not None
            yield step, as_is(row, around, needed_by.get(step.name, ()))
        else:
            users = will_need.get(step.name, [])
            yield step, would_be(plan.desired, step.name, identity, users, parent, full=False)
