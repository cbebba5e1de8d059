"""Actions that change stacks. Each returns when the change is accepted, and the stack is in progress."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from stackd.cfn_query.actions import Action, Call, table
from stackd.cfn_query.cloudformation.requests import (
    change_request,
    rollback_disabled,
    stack_of,
    stack_request,
)
from stackd.cfn_query.cloudformation.statuses import stack_status
from stackd.cfn_query.cloudformation.terms import request_token, require_capabilities, terms_of
from stackd.cfn_query.codes import VALIDATION, Refused
from stackd.cfn_query.params import choice, required, texts
from stackd.engine.usecases import recovery, stacks
from stackd.engine.usecases.arns import stack_arn
from stackd.engine.usecases.repeats import once
from stackd.errors import EntityNotFound
from stackd.records import Stack

_FIXED: Final = frozenset({"ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "DELETE_FAILED", "REVIEW_IN_PROGRESS"})
"""States, besides those in progress, in which a stack can only be deleted."""

_FORCED: Final = "FORCE_DELETE_STACK"


async def create_stack(call: Call) -> Mapping[str, Any]:
    """CreateStack: without a word about failures, what is configured is done about them."""
    disabled = rollback_disabled(call.params)
    if disabled is None:
        disabled = not call.front.settings.api.cfn.rollback_by_default
    request = stack_request(call, disable_rollback=disabled)
    request = request.model_copy(update={"name": required(call.params, "StackName")})
    await require_capabilities(call, request)
    terms = await terms_of(call)

    async def create() -> Stack:
        return await stacks.create(call.engine, call.caller, request, rule=call.rule, terms=terms)

    return _accepted(await once(call.engine, call.caller, call.rule, terms.token, create))


async def update_stack(call: Call) -> Mapping[str, Any]:
    """UpdateStack: refused if nothing changes. Tags that are not given stay, parameters do not."""
    stack = await stack_of(call)
    terms = await terms_of(call, only_changes=True)

    async def update() -> Stack:
        require_updatable(stack)
        request = await change_request(call, stack, disable_rollback=rollback_disabled(call.params))
        await require_capabilities(call, request)
        return await stacks.update(call.engine, call.caller, stack, request, rule=call.rule, terms=terms)

    return _accepted(await once(call.engine, call.caller, call.rule, terms.token, update))


def require_updatable(stack: Stack) -> None:
    """Refuse to update a stack in a state in which it cannot be, in the words that clients know."""
    status = stack_status(stack)
    if status.endswith("_IN_PROGRESS") or status in _FIXED:
        raise Refused(VALIDATION, f"Stack:{stack_arn(stack)} is in {status} state and can not be updated.")


def _accepted(stack: Stack) -> Mapping[str, Any]:
    return {"StackId": stack_arn(stack), "OperationId": stack.operation_id}


async def delete_stack(call: Call) -> None:
    """DeleteStack: what does not exist, or no more, is deleted."""
    mode = choice(call.params, "DeletionMode", "STANDARD", _FORCED)
    token = request_token(call)
    try:
        stack = await stack_of(call)
    except EntityNotFound:
        return
    if stack.deleted_at is not None:
        return

    async def delete() -> Stack:
        return await recovery.delete(
            call.engine,
            call.caller,
            stack,
            retain=texts(call.params, "RetainResources") or (),
            force=mode == _FORCED,
            token=token,
            rule=call.rule,
        )

    await once(call.engine, call.caller, call.rule, token, delete)


async def cancel_update_stack(call: Call) -> None:
    """CancelUpdateStack: back to what the stack was before the running update."""
    stack, token = await stack_of(call), request_token(call)

    async def cancel() -> Stack:
        return await recovery.cancel_update(call.engine, call.caller, stack, token=token, rule=call.rule)

    await once(call.engine, call.caller, call.rule, token, cancel)


async def rollback_stack(call: Call) -> Mapping[str, Any]:
    """RollbackStack: back from a failure that was left as it is."""
    stack, terms = await stack_of(call), await terms_of(call)

    async def roll_back() -> Stack:
        return await recovery.roll_back(
            call.engine,
            call.caller,
            stack,
            unretained=terms.unretained,
            token=terms.token,
            rule=call.rule,
        )

    return _accepted(await once(call.engine, call.caller, call.rule, terms.token, roll_back))


async def continue_update_rollback(call: Call) -> Mapping[str, Any]:
    """ContinueUpdateRollback: on with a rollback that has failed, without what cannot be rolled back."""
    stack, token = await stack_of(call), request_token(call)
    skip = texts(call.params, "ResourcesToSkip") or ()

    async def go_on() -> Stack:
        return await recovery.continue_rollback(
            call.engine, call.caller, stack, skip, token=token, rule=call.rule
        )

    await once(call.engine, call.caller, call.rule, token, go_on)
    return {}


ACTIONS = table(
    Action("CreateStack", create_stack),
    Action("UpdateStack", update_stack),
    Action("DeleteStack", delete_stack),
    Action("CancelUpdateStack", cancel_update_stack),
    Action("RollbackStack", rollback_stack),
    Action("ContinueUpdateRollback", continue_update_rollback),
)
