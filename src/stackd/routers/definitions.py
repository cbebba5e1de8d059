"""What a stack was made from: its template, environment and files."""

from __future__ import annotations

from starlette.responses import Response

from stackd.engine.usecases import stack_queries
from stackd.routers import models, views
from stackd.routers.front import STACK, Call
from stackd.routers.routing import noun

router = noun("stacks")


@router.get(f"{STACK}/template", response_model=models.Anything)
async def template(call: Call) -> Response:
    """Read the template of a stack."""
    return views.answer(await stack_queries.template_json(call.reader, call.caller, call.stack))


@router.get(f"{STACK}/environment", response_model=models.Anything)
async def environment(call: Call) -> Response:
    """Read the environment of a stack; hidden values are masked."""
    return views.answer(await stack_queries.environment(call.reader, call.caller, call.stack))


@router.get(f"{STACK}/files", response_model=models.Anything)
async def files(call: Call) -> Response:
    """Read the files of a stack."""
    return views.answer(await stack_queries.files(call.reader, call.caller, call.stack))
