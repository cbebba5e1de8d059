"""Snapshots of stacks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, Field
from starlette.responses import Response

from stackd.engine.usecases import snapshots
from stackd.engine.usecases.request_values import Text
from stackd.engine.usecases.snapshots import SnapshotView
from stackd.offload import in_thread
from stackd.routers import models, views
from stackd.routers.errors import accepted
from stackd.routers.front import STACK, Call
from stackd.routers.routing import noun

router = noun("snapshots")

_SNAPSHOTS = f"{STACK}/snapshots"
_SNAPSHOT = f"{_SNAPSHOTS}/{{snapshot}}"


class SnapshotBody(BaseModel):
    """What a snapshot is called."""

    name: Text = Field(default=None, description="A name for people.")


@router.post(_SNAPSHOTS, response_model=models.Anything)
async def take(call: Call, body: SnapshotBody) -> Response:
    """Take a snapshot of a stack."""
    return await _answer(snapshot_view(await snapshots.take(call.engine, call.caller, call.stack, body.name)))


@router.get(_SNAPSHOTS, response_model=models.Anything)
async def index(call: Call) -> Response:
    """List the snapshots of a stack."""
    found = await snapshots.listed(call.engine, call.caller, call.stack)
    return await _answer({"snapshots": [snapshot_view(each) for each in found]})


@router.get(_SNAPSHOT, response_model=models.Anything)
async def show(call: Call) -> Response:
    """Show a snapshot."""
    found = await snapshots.show(call.engine, call.caller, call.stack, call.part("snapshot"))
    return await _answer({"snapshot": snapshot_view(found)})


@router.delete(_SNAPSHOT, status_code=204)
async def delete(call: Call) -> Response:
    """Delete a snapshot and what it made."""
    await snapshots.delete(call.engine, call.caller, call.stack, call.part("snapshot"))
    return Response(status_code=204)


@router.post(f"{_SNAPSHOT}/restore", response_model=models.Notice, status_code=202)
async def restore(call: Call) -> Response:
    """Make a stack again what it was."""
    await snapshots.restore(call.engine, call.caller, call.stack, call.part("snapshot"))
    return accepted()


def snapshot_view(view: SnapshotView) -> Mapping[str, Any]:
    """A snapshot as the API shows it."""
    snapshot = view.snapshot
    return {
        "id": snapshot.id,
        "name": snapshot.name,
        "action": snapshot.action.value,
        "status": snapshot.status.value,
        "status_reason": snapshot.reason,
        "data": view.data,
        "creation_time": snapshot.created_at,
    }


async def _answer(body: Any) -> Response:
    answer: Response = await in_thread(views.answer, body)
    return answer
