"""Properties of workflows, and the rules about them."""

from __future__ import annotations

from typing import Any, Final

from stackd.errors import PropertyError
from stackd.resources.constraints import length, one_of
from stackd.resources.schema import IN_PLACE, Properties, Support, prop
from stackd.template.unknown import Unknown

_POLICIES: Final = ("retry", "wait_before", "wait_after", "pause_before", "timeout")
_OLD_POLICIES: Final = Support(
    "HIDDEN",
    "8.0.0",
    message="Give the policies as properties of the task.",
    previous=Support("DEPRECATED", "5.0.0", previous=Support(version="2015.1")),
)


class TaskDefaults(Properties):
    """What holds for all tasks that do not say otherwise."""

    on_success: list[Any] | None = prop("Tasks that follow one that succeeded.")
    on_error: list[Any] | None = prop("Tasks that follow one that failed.")
    on_complete: list[Any] | None = prop("Tasks that follow one that ended, however it did.")
    requires: list[Any] | None = prop("Tasks that come first; in reverse workflows.")
    retry: dict[str, Any] | None = prop("How a task that failed is tried again.")
    wait_before: int | None = prop("Seconds to wait before a task.")
    wait_after: int | None = prop("Seconds to wait after a task.")
    pause_before: bool | None = prop("Whether the workflow pauses before a task.")
    timeout: int | None = prop("Seconds after which a task has failed.")
    concurrency: int | None = prop("How many actions of a task run at once.", since="8.0.0")


class Task(Properties):
    """One task of a workflow."""

    name: str = prop("Name of the task.", required=True)
    description: str | None = prop("What the task is for.")
    input: dict[str, Any] | None = prop("Input of the action or workflow.")
    action: str | None = prop("Name of the action; either this or workflow.")
    workflow: str | None = prop(
        "Name or id of the workflow that the task executes; either this or action.", find="mistral.workflow"
    )
    publish: dict[str, Any] | None = prop("Variables that following tasks can read, with their values.")
    on_success: list[Any] | None = prop("Tasks that follow if this one succeeds.")
    on_error: list[Any] | None = prop("Tasks that follow if this one fails.")
    on_complete: list[Any] | None = prop("Tasks that follow when this one ends, however it does.")
    policies: dict[str, Any] | None = prop("Policies of the task.", support=_OLD_POLICIES)
    requires: list[Any] | None = prop("Tasks that come first; in reverse workflows.")
    with_items: str | None = prop("A list, for each element of which the action is done.", since="5.0.0")
    keep_result: bool | None = prop("Whether the result is kept when the task has ended.", since="5.0.0")
    target: str | None = prop("The executor that does the action.", since="5.0.0")
    retry: dict[str, Any] | None = prop("How the task is tried again if it fails.", since="5.0.0")
    wait_before: int | None = prop("Seconds to wait before the task.", since="5.0.0")
    wait_after: int | None = prop("Seconds to wait after the task.", since="5.0.0")
    pause_before: bool | None = prop("Whether the workflow pauses before the task.", since="5.0.0")
    timeout: int | None = prop("Seconds after which the task has failed.", since="5.0.0")
    concurrency: int | None = prop(
        "How many actions of the task run at once; only with with_items.", since="8.0.0"
    )
    join: str | None = prop("For how many of the tasks before it the task waits, or all.", since="6.0.0")


class WorkflowProps(Properties):
    """Properties of a workflow."""

    name: str | None = prop("Name of the workflow.")
    type: str = prop(
        "Whether tasks name those that follow (direct), or those that come first (reverse).",
        required=True,
        update=IN_PLACE,
        constraints=[one_of("direct", "reverse")],
    )
    use_request_body_as_input: bool | None = prop(
        "Whether the whole of a signal is the input, instead of its entries input and params.",
        update=IN_PLACE,
        since="6.0.0",
    )
    description: str | None = prop("What the workflow is for.", update=IN_PLACE)
    input: dict[str, Any] | None = prop(
        "The names of the input, with default values; those without one must be given.", update=IN_PLACE
    )
    output: dict[str, Any] | None = prop("The output of an execution, by names.", update=IN_PLACE)
    params: dict[str, Any] | None = prop(
        "Parameters of executions, such as task_name, the target of a reverse workflow.", update=IN_PLACE
    )
    tags: list[Any] | None = prop("Tags of the workflow.", update=IN_PLACE, since="10.0.0")
    task_defaults: TaskDefaults | None = prop(
        "What holds for all tasks that do not say otherwise.", update=IN_PLACE, since="5.0.0"
    )
    tasks: list[Task] = prop("The tasks.", required=True, update=IN_PLACE, constraints=[length(1)])


def check_workflow(props: WorkflowProps) -> None:
    """Rules across properties; raise ``PropertyError``. Values may be ``Unknown``."""
    kind, params = props.data["type"], props.data.get("params")
    tasks = props.data["tasks"]
    for index, task in enumerate(() if isinstance(tasks, Unknown) else tasks):
        if not isinstance(task, Unknown):
            _check_task(kind, task, f"properties.tasks[{index}]")
    if kind == "reverse" and not isinstance(params, Unknown) and not (params or {}).get("task_name"):
        raise PropertyError(
            "A reverse workflow needs a target.",
            path="properties.params",
            remedy="Give the name of a task as params.task_name.",
        )


def _check_task(kind: Any, task: Any, path: str) -> None:
    name = task.get("name")
    both = [key for key in ("action", "workflow") if task.get(key)]
    if len(both) != 1:
        raise PropertyError(
            f"The task {name} has {'both an' if both else 'neither an'} action {'and' if both else 'nor'} a "
            "workflow.",
            path=path,
            remedy="Give one of them.",
        )
    if kind == "direct" and task.get("requires") is not None:
        raise PropertyError(
            f"The task {name} has requires, which is for reverse workflows.",
            path=f"{path}.requires",
            remedy="Leave it out, or name the tasks that follow in on_success.",
        )
    if task.get("concurrency") is not None and task.get("with_items") is None:
        raise PropertyError(
            f"The task {name} has concurrency without with_items.",
            path=f"{path}.concurrency",
            remedy="Give with_items, or leave it out.",
        )
    policies = task.get("policies")
    twice = [key for key in _POLICIES if isinstance(policies, dict) and task.get(key) is not None]
    if twice:
        raise PropertyError(
            f"The task {name} has policies and {', '.join(twice)}.",
            path=f"{path}.policies",
            remedy="Give the policies as properties of the task only.",
        )
