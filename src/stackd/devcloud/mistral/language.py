"""The language of workflows: what a definition may say. Pure."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator, Mapping
from typing import Any, Final

import yaml

from stackd.devcloud.mistral.expressions import BadExpression, check
from stackd.devcloud.store import JSON
from stackd.devcloud.wire import Fault, bad_request

COMMANDS: Final = ("noop", "fail", "succeed", "pause")
ON: Final = ("on-success", "on-error", "on-complete")
_POLICIES: Final = ("retry", "wait-before", "wait-after", "timeout", "pause-before", "concurrency", "fail-on")
_WORKFLOW: Final = frozenset(
    ("type", "description", "tags", "input", "output", "output-on-error", "vars", "task-defaults", "tasks")
)
_DEFAULTS: Final = frozenset((*_POLICIES, *ON, "requires", "safe-rerun"))
_TASK: Final = frozenset(
    (
        *_DEFAULTS,
        *("type", "name", "description", "action", "workflow", "input", "publish", "publish-on-error"),
        *("with-items", "keep-result", "target", "join", "tags"),
    )
)
_INLINE: Final = re.compile(r"""([\w.\-]+)\s*=\s*(<%.*?%>|"[^"]*"|'[^']*'|\S+)""", re.DOTALL)


def workflows_in(text: str) -> dict[str, JSON]:
    """The workflows of a definition by name, each as it is written; a fault for what is wrong."""
    try:
        document = yaml.safe_load(text)
    except (yaml.YAMLError, RecursionError) as error:
        raise bad_request(f"Definition could not be parsed: {error}") from None
    if not isinstance(document, dict):
        raise _invalid("the definition is not a map")
    if str(document.get("version")) != "2.0":
        raise _invalid("Workflow spec: 'version' must be '2.0'")
    found = {str(name): spec for name, spec in document.items() if name != "version"}
    if not found:
        raise _invalid("there is no workflow in it")
    for name, spec in found.items():
        _check_workflow(name, spec)
    return found


def _invalid(reason: str) -> Fault:
    return bad_request(f"Invalid DSL: {reason}")


def _check_workflow(name: str, spec: Any) -> None:
    if _is_id(name):
        raise _invalid(f"Workflow name cannot be in the format of UUID: {name}")
    _check_keys(name, spec, _WORKFLOW)
    kind, tasks = spec.get("type", "direct"), spec.get("tasks")
    if kind not in ("direct", "reverse"):
        raise _invalid(f"'{kind}' is not one of ['direct', 'reverse'] [{name}]")
    if not isinstance(tasks, dict) or not tasks:
        raise _invalid(f"'tasks' is a required property that is not empty [{name}]")
    _check_keys(f"{name}.task-defaults", spec.get("task-defaults") or {}, _DEFAULTS)
    for task_name, task in tasks.items():
        _check_task(str(task_name), task, kind, tasks)
    try:
        check(spec)
    except BadExpression as error:
        raise _invalid(str(error)) from None


def _is_id(name: str) -> bool:
    try:
        uuid.UUID(name)
    except ValueError:
        return False
    return True


def _check_keys(what: str, spec: Any, allowed: frozenset[str]) -> None:
    if not isinstance(spec, dict):
        raise _invalid(f"{spec!r} is not of type 'object' [{what}]")
    if unknown := sorted(map(str, spec.keys() - allowed)):
        raise _invalid(f"Additional properties are not allowed ({', '.join(unknown)} unexpected) [{what}]")


def _check_task(name: str, task: Any, kind: str, tasks: Mapping[str, Any]) -> None:
    _check_keys(name, task, _TASK)
    if task.get("action") and task.get("workflow"):
        raise _invalid(f"Task properties 'action' and 'workflow' can't be specified both [{name}]")
    misplaced = [key for key in ("requires",) if kind == "direct"] + [
        each for each in (*ON, "join") if kind == "reverse"
    ]
    if wrong := [key for key in misplaced if key in task]:
        raise _invalid(f"{', '.join(wrong)} cannot be in a {kind} workflow [{name}]")
    for each in (*(name for on in ON for name, _ in following(task, on)), *required(task)):
        if each not in tasks and each not in COMMANDS:
            raise _invalid(f"Task '{each}' not found [{name}]")


def following(task: Mapping[str, Any], on: str) -> Iterator[tuple[str, Any]]:
    """The tasks and commands after a task in one case, each with its condition; None for none."""
    given = task.get(on) or ()
    if isinstance(given, Mapping):
        given = given.get("next") or ()
    for each in [given] if isinstance(given, str) else given:
        if isinstance(each, Mapping):
            yield from ((str(name), condition) for name, condition in each.items())
        else:
            yield str(each).partition(" ")[0], None


def required(task: Mapping[str, Any]) -> list[str]:
    """The tasks that come before a task of a reverse workflow."""
    given = task.get("requires") or []
    return [given] if isinstance(given, str) else [str(each) for each in given]


def with_defaults(spec: Mapping[str, Any], name: str) -> JSON:
    """A task with what holds for all that do not say otherwise."""
    task: JSON = spec["tasks"][name]
    defaults = dict(spec.get("task-defaults") or {})
    # A task does not follow itself because it follows all others.
    for on in ON:
        if on in defaults:
            others = [each for each in following(defaults, on) if each[0] != name]
            defaults[on] = [each if condition is None else {each: condition} for each, condition in others]
    return {**defaults, **task}


def called(task: Mapping[str, Any]) -> tuple[str, JSON]:
    """The name of a task's action or workflow, with the input that stands beside it."""
    name, _, inline = str(task.get("action") or task.get("workflow") or "std.noop").partition(" ")
    beside = {
        key: yaml.safe_load(value) if value[0] != "<" else value for key, value in _INLINE.findall(inline)
    }
    return name, {**beside, **(task.get("input") or {})}


def inputs(spec: Mapping[str, Any]) -> tuple[list[str], JSON]:
    """The names of the input that must be given, and the defaults of the rest."""
    needed: list[str] = []
    defaults: JSON = {}
    for each in spec.get("input") or ():
        if isinstance(each, Mapping):
            defaults.update(each)
        else:
            needed.append(str(each))
    return needed, defaults
