"""Executions at work: which task comes when, what it does, and what becomes of the workflow.

All of it happens within calls, but for what waits: the answers of URLs, and the times of policies.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any, Final

import orjson

from stackd.devcloud.mistral.actions import Outcome, act
from stackd.devcloud.mistral.expressions import BadExpression
from stackd.devcloud.mistral.flow import finish, go_on
from stackd.devcloud.mistral.language import called, with_defaults
from stackd.devcloud.mistral.run import ENDED, Done, Run
from stackd.devcloud.mistral.style import EXECUTIONS, TASKS, WORKFLOWS, stamp, text_of
from stackd.devcloud.mistral.workflows import checked_input
from stackd.devcloud.store import JSON, Entity
from stackd.devcloud.wire import Fault
from stackd.devcloud.world import World

_MOST_TASKS: Final = 1000
"""Tasks of one execution, which may go in a circle."""

_DEEPEST: Final = 20
_ITEMS: Final = re.compile(r"\s*(\w+)\s+in\s+(.+)", re.DOTALL)


def start(
    world: World,
    workflow: Entity,
    project_id: str,
    asked: JSON,
    identity: str = "",
    parent: Entity | None = None,
    depth: int = 0,
) -> Entity:
    """Begin an execution; ``asked`` has its input, params and description, and ``parent`` is a task."""
    now, params = stamp(world.clock()), asked["params"]
    identity = identity or world.uuid()
    data = {
        "id": identity, "workflow_name": workflow.data["name"], "workflow_id": workflow.id,
        "workflow_namespace": "", "description": asked.get("description") or "", "params": text_of(params),
        "task_execution_id": parent.id if parent is not None else None, "root_execution_id": None,
        "state": "RUNNING", "state_info": None, "input": text_of(asked["input"]), "output": "{}",
        "project_id": project_id, "created_at": now, "updated_at": now,
    }  # fmt: skip
    spec = workflow.private["spec"]
    private = {
        "spec": spec, "vars": {**asked["input"]}, "env": params.get("env") or {}, "queue": [], "met": {},
        "target": params.get("task_name"), "begun": set(), "draining": False,
        "depth": depth,
    }  # fmt: skip
    execution = world.store.add(EXECUTIONS, identity, project_id, data, private)
    run = Run(world, execution)
    private["queue"].extend(run.first())
    drain(run)
    return execution


def drain(run: Run) -> None:
    """Begin all tasks that can begin, and end the execution if nothing is left."""
    private = run.private
    if private["draining"]:
        return
    private["draining"] = True
    while private["queue"] and run.state == "RUNNING":
        _begin(run, private["queue"].pop(0))
    private["draining"] = False
    if run.state == "RUNNING" and not any(run.open_tasks()):
        finish(run)


def _begin(run: Run, name: str) -> None:
    spec, begun = with_defaults(run.spec, name), run.private["begun"]
    if spec.get("pause-before") and name not in begun:
        begun.add(name)
        run.private["queue"].insert(0, name)
        run.change("PAUSED", f"Workflow paused before the task {name}")
        return
    begun.add(name)
    if sum(1 for _ in run.tasks()) >= _MOST_TASKS:
        run.end("ERROR", f"There are more than {_MOST_TASKS} tasks.")
        return
    task, wait = _added(run, name, spec), int(spec.get("wait-before") or 0)
    if wait:
        _delay(run, task, wait)
    else:
        _do(run, task)


def _added(run: Run, name: str, spec: JSON) -> Entity:
    identity, now, execution = run.world.uuid(), stamp(run.world.clock()), run.execution
    data = {
        "id": identity, "name": name, "type": "WORKFLOW" if spec.get("workflow") else "ACTION",
        "workflow_name": execution.data["workflow_name"], "workflow_id": execution.data["workflow_id"],
        "workflow_execution_id": execution.id, "state": "RUNNING", "state_info": None, "result": "null",
        "published": "{}", "processed": False, "created_at": now, "updated_at": now,
    }  # fmt: skip
    private = {"spec": spec, "attempt": 0, "outcomes": {}, "items": [], "result": None}
    return run.world.store.add(TASKS, identity, execution.project_id, data, private)


def _delay(run: Run, task: Entity, seconds: float) -> None:
    """Do a task after a while."""
    run.world.store.update(task, {"state": "DELAYED"})
    _after(run, task, seconds, {"state": "RUNNING"}, partial(_do, run, task))


def _after(run: Run, task: Entity, seconds: float, changes: JSON, then: Callable[[], None]) -> None:
    """Go on with a task after a while."""

    def due() -> None:
        then()
        drain(run)

    run.world.store.later(task, seconds, changes, due, wakes=True)


# --- what a task does -----------------------------------------------------------------------------


def _do(run: Run, task: Entity) -> None:
    spec, private = task.private["spec"], task.private
    try:
        private["items"] = list(_items(run, spec, task))
    except (BadExpression, TypeError) as error:
        _ended(run, task, Outcome(error=str(error)))
        return
    private["outcomes"] = {}
    if timeout := int(spec.get("timeout") or 0):
        failure = Outcome(error=f"Task timed out [timeout(s)={timeout}].")
        _after(run, task, timeout, {}, partial(_ended, run, task, failure))
    if not private["items"]:
        _ended(run, task, Outcome([]))
    at_once = int(spec.get("concurrency") or 0) or len(private["items"])
    for index in range(min(at_once, len(private["items"]))):
        _act(run, task, private["attempt"], index)


def _items(run: Run, spec: JSON, task: Entity) -> Iterator[JSON]:
    """The variables of each action of a task: one set where the task has no items."""
    given = spec.get("with-items")
    if given is None:
        yield {}
        return
    names, lists = [], []
    for each in [given] if isinstance(given, str) else given:
        found = _ITEMS.fullmatch(each)
        if found is None:
            raise TypeError(f"Wrong format of 'with-items' property: {each}")
        names.append(found[1])
        text = found[2].strip()
        lists.append(run.value(text, task) if "<%" in text else orjson.loads(text))
    yield from (dict(zip(names, values, strict=True)) for values in zip(*lists, strict=True))


def _act(run: Run, task: Entity, attempt: int, index: int) -> None:
    """Do the action, or execute the workflow, for one item."""
    spec, variables = task.private["spec"], task.private["items"][index]
    done = partial(_acted, run, task, attempt, index)
    name, given = called(spec)
    try:
        known = run.value(given, task, variables)
    except BadExpression as error:
        done(Outcome(error=str(error)))
        return
    if spec.get("workflow"):
        _execute(run, str(run.value(name, task, variables)), known, task, done)
    else:
        act(run.world, name, known, done)


def _execute(run: Run, name: str, given: JSON, task: Entity, done: Done) -> None:
    world, project = run.world, run.execution.project_id
    same = (each for each in world.store.find(WORKFLOWS, name=name) if each.project_id == project)
    found = next(same, None)
    depth = run.private["depth"] + 1
    if found is None or depth > _DEEPEST:
        reason = "Workflow not found" if found is None else f"More than {_DEEPEST} workflows in each other"
        done(Outcome(error=f"{reason} [name={name}]"))
        return
    try:
        known = checked_input(found, given)
    except Fault as refusal:
        done(Outcome(error=refusal.message))
        return
    asked = {"input": known, "params": {"env": run.private["env"]}}
    inner = start(world, found, project, asked, parent=task, depth=depth)
    inner.private["done"] = done
    if inner.data["state"] in ENDED:
        Run(world, inner).report()


def _acted(run: Run, task: Entity, attempt: int, index: int, outcome: Outcome) -> None:
    """Note what came of an action; of an attempt that has been given up nothing is noted."""
    private = task.private
    if task.data["state"] != "RUNNING" or attempt != private["attempt"] or index in private["outcomes"]:
        return
    private["outcomes"][index] = outcome
    count, noted = len(private["items"]), private["outcomes"]
    width = int(private["spec"].get("concurrency") or 0) or count
    is_last = len(noted) == count
    if index + width < count:
        _act(run, task, attempt, index + width)
    if is_last:
        ordered = [noted[each] for each in range(count)]
        failed = next((each for each in ordered if not each.is_success), None)
        many = private["spec"].get("with-items") is not None
        whole = Outcome([each.result for each in ordered]) if many else ordered[0]
        _ended(run, task, failed or whole)
    drain(run)


def _ended(run: Run, task: Entity, outcome: Outcome) -> None:
    """Try again what failed, or go on once the time after the task is over."""
    spec, private = task.private["spec"], task.private
    task.pending = None
    retry = spec.get("retry") or {}
    if not outcome.is_success and private["attempt"] < int(retry.get("count") or 0):
        private["attempt"] += 1
        _delay(run, task, float(retry.get("delay") or 0))
    elif wait := int(spec.get("wait-after") or 0):
        _after(run, task, wait, {}, partial(go_on, run, task, outcome))
    else:
        go_on(run, task, outcome)


def resume(run: Run, env: Mapping[str, Any]) -> None:
    """Go on after a pause."""
    run.private["env"] = {**run.private["env"], **env}
    run.change("RUNNING", None)
    drain(run)
