"""What would be: new stacks and updates in the form that previews have."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain
from typing import Any

from starlette.responses import Response

from stackd.db import resources as rows
from stackd.db import stacks
from stackd.engine.definition.desired import Desired
from stackd.engine.definition.documents import offloaded
from stackd.engine.planning.diff import Change
from stackd.engine.planning.predict import Prediction, predict
from stackd.engine.usecases.queries import NO_OUTPUT_DESCRIPTION as NOT_DESCRIBED
from stackd.engine.usecases.queries import Facts, enabled_outputs, known_part, required_by
from stackd.engine.usecases.requests import Checked
from stackd.engine.validation.tree import Expanded
from stackd.errors import TemplateError
from stackd.records import Action, Resource, Stack, Status
from stackd.routers import views
from stackd.routers.front import Call
from stackd.template.masking import concealed

Json = dict[str, Any]

_LISTS = {
    Change.NONE: "unchanged",
    Change.UPDATE: "updated",
    Change.REPLACE: "replaced",
    Change.CREATE: "added",
    Change.DELETE: "deleted",
}
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
    definition, kind = desired.resources[name], desired.kinds[name]
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


async def changes(
    call: Call, stack: Stack, checked: Checked, prediction: Prediction, *, nested: bool
) -> Response:
    """The resources by what would happen to each; with ``nested`` those of stacks inside too."""
    found: dict[str, list[Json]] = {name: [] for name in _LISTS.values()}
    await _add_changes(call, found, stack, checked.expanded, prediction, nested=nested)
    secrets = checked.expanded.secrets() | await call.engine.redaction.of(stack)
    for view in chain.from_iterable(found.values()) if secrets else ():
        view["reason"] = concealed(view.get("reason", ""), secrets)
        view["metadata"] = concealed(view["metadata"], secrets)
    size = _PER_RESOURCE * sum(map(len, found.values()))
    answer: Response = await offloaded(size, views.answer, {"resource_changes": found})
    return answer


async def _add_changes(
    call: Call,
    found: dict[str, list[Json]],
    stack: Stack,
    expanded: Expanded,
    prediction: Prediction,
    *,
    nested: bool,
) -> None:
    size = _PER_RESOURCE * len(prediction.decisions)
    for change, view in await offloaded(size, _changed, stack, expanded.desired, prediction):
        found[_LISTS[change]].append(view)
    if nested:
        for name, child in expanded.children.items():
            await _add_child(call, found, prediction.current.get(name), child, stack)


def _changed(stack: Stack, desired: Desired, prediction: Prediction) -> list[tuple[Change, Json]]:
    """What would happen to each resource of one stack."""
    identity = (stack.project_id, stack.name, stack.id)
    needed_by = required_by(prediction.current.values())
    will_need = desired.required_by()
    shown: list[tuple[Change, Json]] = []
    for name, decision in prediction.decisions.items():
        if decision.change is Change.UPDATE:
            row = desired.kinds[name].handler.with_computed(prediction.current[name])
            view = as_is(row, stack, needed_by.get(name, ()))
        else:
            users = will_need.get(name, [])
            view = would_be(desired, name, identity, users, stack.parent_resource, full=False)
        view["reason"] = decision.reason
        shown.append((decision.change, view))
    gone = ((Change.DELETE, as_is(row, stack, needed_by.get(row.name, ()))) for row in prediction.deleted)
    return [*shown, *gone]


async def _add_child(
    call: Call, found: dict[str, list[Json]], owner: Resource | None, child: Expanded, around: Stack
) -> None:
    """The changes inside a nested stack, or all of it as new where there is none yet."""
    inner = (
        await stacks.get(call.db, owner.nested_stack_id, None) if owner and owner.nested_stack_id else None
    )
    if inner is None:
        identity = (around.project_id, child.name, _NOT_THERE)
        needed_by = child.desired.required_by()
        found["added"] += [
            would_be(child.desired, name, identity, needed_by.get(name, []), full=False)
            for name in child.desired.resources
        ]
        return
    stored = await rows.of_stack(call.db, inner.id)
    try:
        size = _PER_RESOURCE * len(stored)
        prediction: Prediction = await offloaded(size, predict, child.desired, stored)
    except TemplateError:
        return
    await _add_changes(call, found, inner, child, prediction, nested=True)
