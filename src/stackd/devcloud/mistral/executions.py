"""Executions: requests for them, and changes of their state."""

from __future__ import annotations

import uuid
from typing import Any, Final

from stackd.devcloud.mistral.engine import resume, start
from stackd.devcloud.mistral.run import ENDED, Run
from stackd.devcloud.mistral.style import EXECUTIONS, TASKS, demand_writer, page, value_of
from stackd.devcloud.mistral.workflows import checked_input, workflow
from stackd.devcloud.store import JSON, Entity
from stackd.devcloud.wire import Call, Reply, Route, bad_request, forbidden, not_found

_GIVEN: Final = ("RUNNING", "PAUSED", *ENDED)


def asked_of(call: Call, entity: Entity, given: Any, params: Any) -> JSON:
    """The checked input and params of an execution of a workflow."""
    known, wanted = value_of(params, "params"), checked_input(entity, value_of(given, "input"))
    spec = entity.private["spec"]
    if not isinstance(known.get("env") or {}, dict):
        raise bad_request("Unexpected value type for environment")
    if spec.get("type") == "reverse" and known.get("task_name") not in spec["tasks"]:
        raise bad_request(f"Invalid task name [wf_spec={entity.data['name']}, task={known.get('task_name')}]")
    return {"input": wanted, "params": known}


def _create(call: Call) -> Reply:
    """Begin an execution; the one with the id that is asked for, if it is there."""
    demand_writer(call, "executions:create")
    body = call.json()
    identity = _checked_id(body.get("id"))
    if identity and (known := call.store.get(EXECUTIONS, identity)) is not None:
        return Reply(201, _execution(call, known.id).data)
    identifier = body.get("workflow_id") or body.get("workflow_name")
    if not identifier:
        raise bad_request("Workflow ID or workflow name must be provided. Workflow ID is recommended.")
    entity = workflow(call, str(identifier))
    asked = asked_of(call, entity, body.get("input"), body.get("params"))
    asked["description"] = body.get("description")
    made = start(call.world, entity, call.actor.project_id, asked, identity)
    call.touched.append(made)
    return Reply(201, made.data)


def _checked_id(given: Any) -> str:
    if not given:
        return ""
    try:
        return str(uuid.UUID(str(given)))
    except ValueError:
        raise bad_request(f"Expected a uuid but received {given}.") from None


def _execution(call: Call, identity: str) -> Entity:
    entity = call.store.get(EXECUTIONS, identity)
    if entity is None or entity.project_id != call.actor.project_id:
        raise not_found(f"WorkflowExecution not found [id={identity}]")
    return entity


def _list(call: Call) -> Reply:
    seen = [each for each in call.store.all(EXECUTIONS) if each.project_id == call.actor.project_id]
    with_output = call.first("include_output").lower() == "true"

    def view(entity: Entity) -> JSON:
        return {key: value for key, value in entity.data.items() if with_output or key != "output"}

    return page(call, "executions", seen, view)


def _show(call: Call) -> Reply:
    return Reply(200, _execution(call, call.params["execution"]).data)


def _change(call: Call) -> Reply:
    demand_writer(call, "executions:update")
    entity, body = _execution(call, call.params["execution"]), call.json()
    state, description = body.get("state"), body.get("description")
    env = value_of(body.get("params"), "params").get("env") or {}
    if not (state or description or env):
        raise bad_request("The property state, description, or env is not provided for update.")
    if state and description:
        raise bad_request("The property description must be updated separately from state.")
    if state and state not in _GIVEN:
        raise bad_request(f"Cannot change state to {state}. Allowed states are: {', '.join(_GIVEN)}")
    if description:
        call.store.update(entity, {"description": description})
    if state:
        _move(call, entity, state, body.get("state_info"), env)
    return Reply(200, entity.data)


def _move(call: Call, entity: Entity, state: str, info: str | None, env: JSON) -> None:
    run, present = Run(call.world, entity), entity.data["state"]
    if present in ENDED:
        raise bad_request(f"Can't change workflow execution state from {present} to {state}.")
    if state in ENDED:
        run.end(state, info)
    elif state == "PAUSED":
        run.change(state, info)
    elif present == "PAUSED":
        resume(run, env)


def _delete(call: Call) -> Reply:
    """Remove an execution that has ended, or any if it is forced, with what it has begun."""
    demand_writer(call, "executions:delete")
    entity = _execution(call, call.params["execution"])
    if entity.data["state"] not in ENDED and call.first("force").lower() != "true":
        state = entity.data["state"]
        raise forbidden(
            f"Only completed executions can be deleted. Execution {entity.id} is in {state} state"
        )
    remove(call, entity)
    return Reply(204)


def remove(call: Call, entity: Entity) -> None:
    """Remove an execution, its tasks, and the executions that these began."""
    entity.private.pop("done", None)
    Run(call.world, entity).end("CANCELLED", None)
    for task in list(call.store.find(TASKS, workflow_execution_id=entity.id)):
        for inner in list(call.store.find(EXECUTIONS, task_execution_id=task.id)):
            remove(call, inner)
        call.store.remove(task)
    call.store.remove(entity)


def _tasks(call: Call) -> Reply:
    if "execution" in call.params:
        entity = _execution(call, call.params["execution"])
        found = list(call.store.find(TASKS, workflow_execution_id=entity.id))
    else:
        found = [each for each in call.store.all(TASKS) if each.project_id == call.actor.project_id]
    return page(call, "tasks", found, lambda each: each.data)


def _task(call: Call) -> Reply:
    entity = call.store.get(TASKS, call.params["task"])
    if entity is None or entity.project_id != call.actor.project_id:
        raise not_found(f"TaskExecution not found [id={call.params['task']}]")
    return Reply(200, entity.data)


_ONE: Final = "/executions/{execution}"
ROUTES: Final = (
    Route("POST", "/executions", _create),
    Route("GET", "/executions", _list),
    Route("GET", _ONE, _show),
    Route("PUT", _ONE, _change),
    Route("DELETE", _ONE, _delete),
    Route("GET", f"{_ONE}/tasks", _tasks),
    Route("GET", "/tasks", _tasks),
    Route("GET", "/tasks/{task}", _task),
)
