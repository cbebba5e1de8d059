"""Stacks as data, and stacks that are given up while their objects stay in the cloud."""

from __future__ import annotations

from starlette.responses import Response

from stackd.engine.usecases import abandoning
from stackd.offload import in_thread
from stackd.routers import models, views
from stackd.routers.front import STACK, Call
from stackd.routers.routing import noun

router = noun("stacks")


@router.get(f"{STACK}/export", response_model=models.Anything)
async def export(call: Call) -> Response:
    """Read a stack with all its resources and secrets."""
    answer: Response = await in_thread(
        views.answer, await abandoning.export(call.engine, call.caller, call.stack)
    )
    return answer


@router.delete(f"{STACK}/abandon", response_model=models.Anything)
async def abandon(call: Call) -> Response:
    """Give a stack up and keep its objects; the answer is what another stack can adopt."""
    answer: Response = await in_thread(
        views.answer, await abandoning.abandon(call.engine, call.caller, call.stack)
    )
    return answer
