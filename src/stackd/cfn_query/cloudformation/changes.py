"""Actions that change stacks. Each returns when the change is accepted, and the stack is in progress."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from typing import Any

from stackd.cfn_query.actions import Action, Call, table
from stackd.cfn_query.cloudformation.requests import rollback_disabled, stack_of, stack_request
from stackd.cfn_query.params import required
from stackd.engine.usecases import actions, stacks
from stackd.engine.usecases.arns import stack_arn
from stackd.engine.usecases.terms import Terms
from stackd.errors import EntityNotFound


async def create_stack(call: Call) -> Mapping[str, Any]:
    """CreateStack: without a word about failures, what is configured is done about them."""
    disabled = rollback_disabled(call.params)
    if disabled is None:
        disabled = not call.front.settings.api.cfn.rollback_by_default
    request = stack_request(call, disable_rollback=disabled)
    request = request.model_copy(update={"name": required(call.params, "StackName")})
    return {"StackId": stack_arn(await stacks.create(call.engine, call.caller, request, rule=call.rule))}


async def update_stack(call: Call) -> Mapping[str, Any]:
    """UpdateStack: refused if nothing changes. Tags that are not given stay, parameters do not."""
    stack = await stack_of(call)
    request = stack_request(call, disable_rollback=rollback_disabled(call.params))
    if request.tags is None:
        request = request.model_copy(update={"tags": stack.tags})
    updated = await stacks.update(
        call.engine, call.caller, stack, request, rule=call.rule, terms=Terms(only_changes=True)
    )
    return {"StackId": stack_arn(updated)}


async def delete_stack(call: Call) -> None:
    """DeleteStack: what does not exist, or no more, is deleted."""
    with contextlib.suppress(EntityNotFound):
        await stacks.delete(call.engine, call.caller, await stack_of(call), rule=call.rule)


async def cancel_update_stack(call: Call) -> None:
    """CancelUpdateStack: back to what the stack was before the running update."""
    await actions.act(call.engine, call.caller, await stack_of(call), "cancel_update", rule=call.rule)


ACTIONS = table(
    Action("CreateStack", create_stack),
    Action("UpdateStack", update_stack),
    Action("DeleteStack", delete_stack),
    Action("CancelUpdateStack", cancel_update_stack),
)
