"""Outputs of a stack after an action that did one thing to every resource as it was."""

from __future__ import annotations

from typing import Any, Final

import structlog

from stackd.db import resources
from stackd.engine.execution.stack_run import StackRun
from stackd.engine.planning.inputs import StoredStack
from stackd.engine.planning.nested import current_rows
from stackd.engine.planning.verbs import Verb
from stackd.engine.services.stored_trees import load_desired
from stackd.errors import TemplateError
from stackd.offload import offloaded

_RESHOWN: Final = frozenset({Verb.SUSPEND, Verb.RESUME})
"""Verbs in which resources may come to show something else: deployments bring configurations to servers."""

log = structlog.get_logger(__name__)


async def outputs_after(work: StackRun) -> dict[str, Any]:
    """The values to store with the end of the action: the outputs, if they have changed.

    What the stacks inside have changed around them is stored already.
    """
    services, stack = work.run.services, work.stack
    if work.plan.rule.verb not in _RESHOWN or not stack.outputs:
        return {}
    try:
        desired = await load_desired(services.db, services.registry, stack)
        rows = current_rows(StoredStack(stack, await resources.of_stack(services.db, stack.id)))
        outputs = await offloaded(desired.outputs, desired.scope(rows))
    except TemplateError as error:  # one that could be accepted under other rules
        log.warning("definition_not_evaluated", stack_id=stack.id, error=str(error))
        return {}
    return {"outputs": outputs} if outputs != stack.outputs else {}
