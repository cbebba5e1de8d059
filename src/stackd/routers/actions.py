"""Actions on a stack as a whole."""

from __future__ import annotations

from starlette.responses import Response

from stackd.engine.usecases import actions
from stackd.routers.bodies import ActionBody
from stackd.routers.front import STACK, Call
from stackd.routers.routing import noun
from stackd.routers.views import done

router = noun("actions")


@router.post(f"{STACK}/actions")
async def act(call: Call, body: ActionBody) -> Response:
    """Suspend, resume or check a stack, or cancel what it does."""
    await actions.act(call.engine, call.caller, call.stack, body.action)
    return done()
