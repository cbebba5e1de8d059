"""Actions on a stack as a whole."""

from __future__ import annotations

from starlette.responses import Response

from stackd.engine.usecases import stacks as use_cases
from stackd.errors import BadRequest, NotSupported
from stackd.routers import models
from stackd.routers.front import STACK, Call
from stackd.routers.routing import Routes

routes = Routes("actions")

ACTIONS = ("suspend", "resume", "check", "cancel_update", "cancel_without_rollback")
_ACCEPTED = {"cancel_update": use_cases.cancel_update, "cancel_without_rollback": use_cases.cancel}


@routes.post(f"{STACK}/actions", None, body=models.ActionBody)
async def act(call: Call) -> Response:
    """Suspend, resume or check a stack, or cancel what it does."""
    body = await call.body_object()
    if not body:
        raise BadRequest("No action specified")
    if len(body) > 1:
        raise BadRequest("Multiple actions specified")
    action = next(iter(body))
    if action not in ACTIONS:
        raise BadRequest(f"Invalid action {action} specified")
    call.enforce(f"actions:{action}")
    stack = await call.stack(live=True)
    accept = _ACCEPTED.get(action)
    if accept is None:
        raise NotSupported(f"The action {action} on stack {stack.name} is not supported.")
    await accept(call.engine, call.caller, stack)
    return Response(b"null", media_type="application/json")
