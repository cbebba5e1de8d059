"""Outputs of a stack."""

from __future__ import annotations

from starlette.responses import Response

from stackd.engine.usecases import stack_queries
from stackd.routers import models, views
from stackd.routers.front import STACK, Call
from stackd.routers.routing import noun

router = noun("outputs")


@router.get(f"{STACK}/outputs", response_model=models.OutputList)
async def index(call: Call) -> Response:
    """List the outputs of a stack, without their values."""
    found = await stack_queries.output_descriptions(call.reader, call.caller, call.stack)
    shown = [{"output_key": key, "description": text} for key, text in found.items()]
    return views.answer({"outputs": shown})


@router.get(f"{STACK}/outputs/{{key}}", response_model=models.OutputAnswer)
async def show(call: Call) -> Response:
    """Show an output with its value."""
    key = call.part("key")
    output = await stack_queries.output(call.reader, call.caller, call.stack, key)
    return views.answer({"output": views.output_view(key, output)})
