"""What a stack was made from: its template, environment and files."""

from __future__ import annotations

from starlette.responses import Response

from stackd.engine.definition.documents import load_files, load_json
from stackd.routers import models, views
from stackd.routers.front import STACK, Call
from stackd.routers.routing import Routes

routes = Routes("stacks")


@routes.get(f"{STACK}/template", models.Anything)
async def template(call: Call) -> Response:
    """Read the template of a stack."""
    call.enforce("stacks:template")
    stack = await call.stack()
    return views.answer(await load_json(call.db, stack.project_id, stack.definition.template) or {})


@routes.get(f"{STACK}/environment", models.Anything)
async def environment(call: Call) -> Response:
    """Read the environment of a stack; hidden values are masked."""
    call.enforce("stacks:environment")
    return views.answer(await call.front.reader.environment(await call.stack()))


@routes.get(f"{STACK}/files", models.Anything)
async def files(call: Call) -> Response:
    """Read the files of a stack."""
    call.enforce("stacks:files")
    stack = await call.stack()
    return views.answer(await load_files(call.db, stack.project_id, stack.definition.files))
