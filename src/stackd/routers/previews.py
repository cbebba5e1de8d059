"""Renders previews of creates and updates."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from stackd.engine.usecases import previews
from stackd.engine.usecases.previews import Changes, NewStack, PreviewedResource, Tree
from stackd.engine.usecases.queries import Facts
from stackd.engine.usecases.requests import Checked
from stackd.offload import in_thread
from stackd.records import Stack
from stackd.routers import views
from stackd.routers.front import Call

Json = dict[str, Any]


async def new_stack(call: Call, stack: Stack, checked: Checked) -> Response:
    """A stack that would be created, with its resources."""

    def render() -> Response:
        return views.answer({"stack": _new_stack(call, previews.new_stack(stack, checked))})

    answer: Response = await in_thread(render)
    return answer


def _new_stack(call: Call, new: NewStack) -> Json:
    facts = Facts(new.description, new.parameters, {}, 0)
    outputs = [views.output_view(name, output) for name, output in new.outputs.items()]
    view = views.stack_view(call, new.stack, facts, outputs)
    del view["stack_status"], view["stack_status_reason"]
    view["resources"] = _tree(new.resources)
    return view


def _tree(resources: Tree) -> list[Any]:
    return [_tree(each) if isinstance(each, list) else _resource(each) for each in resources]


async def changes(found: Changes, *, nested: bool) -> Response:
    """The resources grouped by what would happen to each; with ``nested`` those of nested stacks too."""

    def render() -> Response:
        lists = found.lists(nested=nested)
        shown = {name: [_resource(each) for each in listed] for name, listed in lists.items()}
        return views.answer({"resource_changes": shown})

    answer: Response = await in_thread(render)
    return answer


def _resource(resource: PreviewedResource) -> Json:
    where = {
        "tenant": resource.project_id,
        "stack_name": resource.stack_name,
        "stack_id": resource.stack_id,
    }
    view: Json = {
        "resource_name": resource.name,
        "resource_type": resource.type,
        "resource_action": resource.action,
        "resource_status": resource.status,
        "resource_status_reason": resource.status_reason,
        "physical_resource_id": resource.physical_id,
        "creation_time": resource.created_at,
        "updated_time": resource.updated_at,
        "required_by": list(resource.required_by),
        "resource_identity": {**where, "path": f"/resources/{resource.name}"},
        "stack_identity": {**where, "path": ""},
        "stack_name": resource.stack_name,
        "description": resource.description,
        "metadata": resource.metadata,
        "attributes": resource.attributes,
    }
    optional = ("properties", "parent_resource", "nested_stack_id", "reason")
    return view | {name: value for name in optional if (value := getattr(resource, name)) is not None}
