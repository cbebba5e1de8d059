"""Outputs of a stack once more, from its rows as they are stored."""

from __future__ import annotations

from typing import Any, Final

import structlog

from stackd.db import resources
from stackd.engine.definition.desired import Desired
from stackd.engine.execution.run import Services
from stackd.engine.execution.stack_run import StackRun
from stackd.engine.planning.inputs import StoredStack
from stackd.engine.planning.nested import current_rows
from stackd.engine.planning.verbs import Verb
from stackd.engine.services.stored_trees import load_desired
from stackd.errors import TemplateError
from stackd.offload import offloaded
from stackd.records import Resource, Stack

_RESHOWN: Final = frozenset({Verb.SUSPEND, Verb.RESUME})
"""Verbs in which resources may come to show something else: deployments bring configurations to servers."""

log = structlog.get_logger(__name__)


async def stored_rows(services: Services, stack: Stack) -> dict[str, Resource]:
    """The rows of a stack that are not replaced, by name."""
    return current_rows(StoredStack(stack, await resources.of_stack(services.db, stack.id)))


async def outputs_of(
    services: Services, stack: Stack, desired: Desired, *changed: Resource
) -> dict[str, Any]:
    """The outputs of a stack; rows that are ``changed`` take the place of the stored ones."""
    rows = await stored_rows(services, stack) | {row.name: row for row in changed}
    outputs: dict[str, Any] = await offloaded(desired.outputs, desired.scope({**rows}))
    return outputs


async def outputs_after(work: StackRun) -> dict[str, Any]:
    """The values to store with the end of an action on resources as they are: the outputs, if they changed.

    What the stacks inside have changed around them is stored already.
    """
    services, stack = work.run.services, work.stack
    if work.plan.rule.verb not in _RESHOWN or not stack.outputs:
        return {}
    try:
        desired = await load_desired(services.db, services.registry, stack)
        outputs = await outputs_of(services, stack, desired)
    except TemplateError as error:  # one that could be accepted under other rules
        log.warning("definition_not_evaluated", stack_id=stack.id, error=str(error))
        return {}
    return {"outputs": outputs} if outputs != stack.outputs else {}
