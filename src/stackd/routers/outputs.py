"""Outputs of a stack."""

from __future__ import annotations

from starlette.responses import Response

from stackd.routers import models, views
from stackd.routers.front import STACK, Call
from stackd.routers.routing import noun

router = noun("outputs")


@router.get(f"{STACK}/outputs", response_model=models.OutputList)
async def index(call: Call) -> Response:
    """List the outputs of a stack, without their values."""
    call.enforce("stacks:list_outputs")
    facts = await call.front.reader.facts(await call.stack(live=True))
    shown = [{"output_key": key, "description": text} for key, text in facts.outputs.items()]
    return views.answer({"outputs": shown})


@router.get(f"{STACK}/outputs/{{key}}", response_model=models.OutputAnswer)
async def show(call: Call) -> Response:
    """Show an output with its value."""
    call.enforce("stacks:show_output")
    key = call.part("key")
    output = await call.front.reader.output(await call.stack(live=True), key)
    return views.answer({"output": views.output_view(key, output)})
