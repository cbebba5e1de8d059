"""Actions on a stack as a whole."""

from __future__ import annotations

from starlette.responses import Response

from stackd.engine.usecases import stacks as use_cases
from stackd.errors import NotSupported
from stackd.routers.bodies import ActionBody
from stackd.routers.front import STACK, Call
from stackd.routers.routing import noun

router = noun("actions")

_ACCEPTED = {"cancel_update": use_cases.cancel_update, "cancel_without_rollback": use_cases.cancel}


@router.post(f"{STACK}/actions")
async def act(call: Call, body: ActionBody) -> Response:
    """Suspend, resume or check a stack, or cancel what it does."""
    action = body.action
    call.enforce(f"actions:{action}")
    stack = await call.stack(live=True)
    accept = _ACCEPTED.get(action)
    if accept is None:
        raise NotSupported(f"The action {action} on stack {stack.name} is not supported.")
    await accept(call.engine, call.caller, stack)
    return Response(b"null", media_type="application/json")
