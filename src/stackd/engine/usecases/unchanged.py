"""Whether an update would change anything, for front ends whose clients want to be told so."""

from __future__ import annotations

from typing import Any

from stackd.engine.definition.desired import Desired, Source
from stackd.engine.definition.documents import load_definition
from stackd.engine.usecases.engine import Engine
from stackd.engine.usecases.planning import planned
from stackd.engine.usecases.requests import Checked, StackRequest
from stackd.errors import NothingToUpdate
from stackd.records import Action, Stack, Status


async def require_change(
    engine: Engine, stack: Stack, request: StackRequest, checked: Checked, desired: Desired
) -> None:
    """Raises ``NothingToUpdate`` if a stack is wholly what a checked request makes of it.

    ``desired`` is the definition under the ids that it will be stored with. A stack that is not COMPLETE
    always has something to be done.
    """
    if stack.status is not Status.COMPLETE or (request.tags or ()) != (stack.tags or ()):
        return
    stored = await load_definition(engine.services.db, stack.project_id, stack.definition)
    if _puts_out(stored) != _puts_out(checked.source):
        return
    secrets = checked.expanded.secrets() | await engine.redaction.of(stack)
    plan = await planned(engine, stack, desired, Action.UPDATE, secrets)
    if plan.is_empty:
        raise NothingToUpdate


def _puts_out(source: Source) -> Any:
    """What the outputs of a definition depend on, beside its resources; None if it has no outputs."""
    template, sections = source.template, source.template.version.sections
    if not template.data.get(sections["outputs"]):
        return None
    others = {sections["resources"], sections["description"]}
    around = {name: section for name, section in template.data.items() if name not in others}
    return around, dict(source.environment.parameters)
