"""The definition of a workflow in the language of the service, from properties. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

import yaml

from stackd.resources.context import JSON
from stackd.resources.mistral.workflow_props import WorkflowProps
from stackd.resources.rest import without_nulls

_VERSION: Final = "2.0"


def definition(name: str, props: WorkflowProps) -> str:
    """The text that the service takes: one workflow of this name."""
    known = without_nulls(props.data)
    workflow = {key: known[key] for key in ("type", "description", "tags", "output") if known.get(key)}
    if props.data.get("input"):  # also where no name has a default
        workflow["input"] = list(_inputs(props.data["input"]))
    if known.get("task_defaults"):
        workflow["task-defaults"] = _dashed(known["task_defaults"])
    workflow["tasks"] = {task["name"]: _task(task) for task in known["tasks"]}
    document = {"version": _VERSION, name: workflow}
    return yaml.safe_dump(document, sort_keys=False, allow_unicode=True)


def _inputs(given: Mapping[str, Any]) -> Iterator[str | JSON]:
    """Names that must be given, and maps of one name with its default."""
    for name, default in given.items():
        yield name if default is None else {name: default}


def _task(task: JSON) -> JSON:
    others = {key: value for key, value in task.items() if key not in ("name", "policies")}
    return _dashed({**(task.get("policies") or {}), **others})


def _dashed(values: Mapping[str, Any]) -> JSON:
    """The names of the language have dashes where those of properties have underscores."""
    return {key.replace("_", "-"): value for key, value in values.items()}
