"""Workflows: definitions that are kept by name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from stackd.devcloud.mistral.language import inputs, workflows_in
from stackd.devcloud.mistral.style import TRIGGERS, WORKFLOWS, demand_writer, found, page, sees, stamp
from stackd.devcloud.store import JSON, Entity
from stackd.devcloud.wire import Call, Fault, Reply, Route, bad_request, conflict

_LABEL: Final = "Workflow"


def workflow(call: Call, identifier: str) -> Entity:
    """The workflow with this name or id."""
    return found(call, WORKFLOWS, _LABEL, identifier)


def checked_input(entity: Entity, given: Mapping[str, Any]) -> JSON:
    """The input of an execution, complete with defaults; a fault for what is missing, or unknown."""
    needed, defaults = inputs(entity.private["spec"])
    missing = sorted(set(needed) - given.keys())
    unexpected = sorted(given.keys() - defaults.keys() - set(needed))
    if missing or unexpected:
        parts = [
            f"{what}={names}" for what, names in (("missing", missing), ("unexpected", unexpected)) if names
        ]
        raise bad_request(f"Invalid input [workflow={entity.data['name']}, {', '.join(parts)}]")
    return {**defaults, **given}


def _text(call: Call) -> str:
    if call.headers.get("content-type", "").partition(";")[0] != "text/plain":
        raise Fault(415, "The definition of a workflow is plain text.")
    accepted = {each.partition(";")[0].strip() for each in call.headers.get("accept", "*/*").split(",")}
    if not accepted & {"text/plain", "text/*", "*/*"}:
        raise Fault(406, "Not Acceptable")
    return call.body.decode()


def _scope(call: Call) -> str:
    scope = call.first("scope", "private")
    if scope not in ("private", "public"):
        raise bad_request(f"Scope must be one of the following: ('private', 'public'); actual: {scope}")
    return scope


def _shown_inputs(spec: Mapping[str, Any]) -> str:
    needed, defaults = inputs(spec)
    return ", ".join([*needed, *(f'{name}="{value}"' for name, value in defaults.items())])


def _values(call: Call, spec: JSON, text: str) -> JSON:
    return {
        "definition": text, "input": _shown_inputs(spec), "tags": spec.get("tags") or [],
        "scope": _scope(call), "updated_at": stamp(call.world.clock()),
    }  # fmt: skip


def _create(call: Call) -> Reply:
    """Make all workflows of the definition, or none."""
    demand_writer(call, "workflows:create")
    text = _text(call)
    specs = workflows_in(text)
    mine = [each for each in call.store.all(WORKFLOWS) if each.project_id == call.actor.project_id]
    for name in specs:
        if any(each.data["name"] == name for each in mine):
            raise conflict(
                f"Duplicate entry for WorkflowDefinition ['name', 'namespace', 'project_id']: {name}"
            )
    limit = call.world.quota(call.actor.project_id, "workflows")
    if 0 <= limit < len(mine) + len(specs):
        raise Fault(403, f"The project may have {limit} workflows at most.")
    made = [_add(call, name, spec, text) for name, spec in specs.items()]
    call.touched.extend(made)
    return Reply(201, {"workflows": [each.data for each in made]})


def _add(call: Call, name: str, spec: JSON, text: str) -> Entity:
    identity, project = call.world.uuid(), call.actor.project_id
    known = {"id": identity, "name": name, "namespace": "", "project_id": project}
    data = known | _values(call, spec, text) | {"created_at": stamp(call.world.clock())}
    return call.store.add(WORKFLOWS, identity, project, data, {"spec": spec})


def _update(call: Call) -> Reply:
    """Change all workflows of the definition; all of them must be there."""
    demand_writer(call, "workflows:update")
    text = _text(call)
    specs = workflows_in(text)
    entities = {name: found(call, WORKFLOWS, _LABEL, name, writes=True) for name in specs}
    for name, entity in entities.items():
        call.store.update(entity, _values(call, specs[name], text))
        entity.private["spec"] = specs[name]
    return Reply(200, {"workflows": [each.data for each in entities.values()]})


def _list(call: Call) -> Reply:
    seen = [each for each in call.store.all(WORKFLOWS) if sees(call, each)]
    return page(call, "workflows", seen, lambda each: each.data)


def _show(call: Call) -> Reply:
    return Reply(200, workflow(call, call.params["workflow"]).data)


def _delete(call: Call) -> Reply:
    demand_writer(call, "workflows:delete")
    entity = found(call, WORKFLOWS, _LABEL, call.params["workflow"], writes=True)
    if next(call.store.find(TRIGGERS, workflow_id=entity.id), None) is not None:
        raise conflict(f"Can't delete workflow that has cron triggers associated. [workflow_id={entity.id}]")
    call.store.remove(entity)
    return Reply(204)


_ONE: Final = "/workflows/{workflow}"
ROUTES: Final = (
    Route("POST", "/workflows", _create),
    Route("PUT", "/workflows", _update),
    Route("GET", "/workflows", _list),
    Route("GET", _ONE, _show),
    Route("DELETE", _ONE, _delete),
)
