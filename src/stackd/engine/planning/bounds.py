"""What the execution of a saved plan may do: what was planned, or less (pure)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from stackd.engine.planning.plan import Path, Plan, Step
from stackd.engine.planning.verbs import Verb, permits
from stackd.errors import PlanExceeded


@dataclass(frozen=True, slots=True)
class Bounds:
    """The steps of a saved plan by their paths."""

    steps: Mapping[Path, Step]

    @classmethod
    def of(cls, plan: Plan) -> Bounds:
        """The bounds that a plan sets."""
        return cls({step.path: step for step in plan.steps if not step.removes})

    def require(self, path: Path, verb: Verb) -> None:
        """Raise ``PlanExceeded`` unless the plan allows it.

        Inside a deferred stack anything is allowed.
        """
        step = self.steps.get(path)
        if step is None:
            if not any(self._is_deferred(path[:length]) for length in range(1, len(path))):
                raise PlanExceeded(".".join(path), verb.value, "nothing")
        elif not permits(step.verb, verb):
            raise PlanExceeded(".".join(path), verb.value, step.verb.value)

    def _is_deferred(self, path: Path) -> bool:
        step = self.steps.get(path)
        return step is not None and step.deferred
