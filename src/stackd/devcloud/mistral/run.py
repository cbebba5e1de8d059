"""One execution: its tasks, its state, and what expressions in it see."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import orjson

from stackd.devcloud.mistral.actions import Outcome
from stackd.devcloud.mistral.expressions import evaluate
from stackd.devcloud.mistral.language import ON, following, required, with_defaults
from stackd.devcloud.mistral.style import TASKS, stamp, text_of
from stackd.devcloud.store import JSON, Entity
from stackd.devcloud.world import World

ENDED: Final = ("SUCCESS", "ERROR", "CANCELLED")
Done = Callable[[Outcome], None]


@dataclass(frozen=True, slots=True)
class Run:
    """One execution and the world around it."""

    world: World
    execution: Entity

    @property
    def spec(self) -> JSON:
        """The workflow, as it was when the execution began."""
        found: JSON = self.execution.private["spec"]
        return found

    @property
    def private(self) -> JSON:
        """The variables of the execution, and what is to be done in it."""
        return self.execution.private

    @property
    def state(self) -> str:
        """The state of the execution."""
        return str(self.execution.data["state"])

    @property
    def is_reverse(self) -> bool:
        """Whether tasks name those that come first."""
        return bool(self.spec.get("type") == "reverse")

    # --- tasks --------------------------------------------------------------------------------------

    def first(self) -> list[str]:
        """The tasks that nothing comes before."""
        tasks = self.spec["tasks"]
        if self.is_reverse:
            return [name for name in self.wanted() if not required(with_defaults(self.spec, name))]
        after = {name for each in tasks for name, _ in self.after(each)}
        return [name for name in tasks if name not in after]

    def after(self, name: str, cases: tuple[str, ...] = ON) -> Iterator[tuple[str, Any]]:
        """What follows a task in some cases, each with its condition."""
        task = with_defaults(self.spec, name)
        return (each for on in cases for each in following(task, on))

    def wanted(self) -> list[str]:
        """The target of a reverse workflow, and all that it requires."""
        waiting, found = [str(self.private["target"])], dict[str, None]()
        while waiting:
            name = waiting.pop()
            if name not in found:
                found[name] = None
                waiting.extend(required(with_defaults(self.spec, name)))
        return list(found)

    def before(self, name: str) -> int:
        """How many tasks one follows."""
        return sum(any(each == name for each, _ in self.after(other)) for other in self.spec["tasks"])

    def tasks(self) -> Iterator[Entity]:
        """The tasks that have begun."""
        return self.world.store.find(TASKS, workflow_execution_id=self.execution.id)

    def open_tasks(self) -> Iterator[Entity]:
        """Those that have not ended."""
        return (each for each in self.tasks() if each.data["state"] not in ENDED)

    # --- the state ----------------------------------------------------------------------------------

    def change(self, state: str, info: str | None, **values: Any) -> None:
        """Give the execution another state."""
        moment = stamp(self.world.clock())
        changes = {"state": state, "state_info": info, "updated_at": moment, **values}
        self.world.store.update(self.execution, changes)

    def end(self, state: str, info: str | None, output: Any = None) -> None:
        """End the execution: what it has begun is given up."""
        if self.state in ENDED:
            return
        shown = {"result": info} if output is None and info else output
        self.change(state, info, output=text_of(shown or {}))
        for task in list(self.open_tasks()):
            task.pending = None
            self.world.store.update(task, {"state": state})
        self.report()

    def report(self) -> None:
        """Give the outcome to the task that waits for it."""
        done = self.private.pop("done", None)
        if done is not None:
            data, good = self.execution.data, self.state == "SUCCESS"
            done(
                Outcome(orjson.loads(data["output"]))
                if good
                else Outcome(error=data["state_info"] or self.state)
            )

    # --- expressions --------------------------------------------------------------------------------

    def value(self, value: Any, task: Entity | None, variables: Mapping[str, Any] | None = None) -> Any:
        """A value with its expressions evaluated, as one task sees the execution."""
        data = {**self.private["vars"], **(variables or {})}
        shown = {name: self.execution.data[name] for name in ("id", "workflow_name", "created_at")}

        def of_task(name: str | None = None) -> Any:
            same = [each for each in self.tasks() if each.data["name"] == name]
            found = same[-1] if same else task if name is None else None
            if found is None:
                return None
            facts = {key: found.data[key] for key in ("id", "name", "state", "state_info")}
            return {
                **facts,
                "result": found.private["result"],
                "published": orjson.loads(found.data["published"]),
            }

        functions = {"task": of_task, "env": lambda: self.private["env"], "execution": lambda: shown}
        return evaluate(value, data, functions)
