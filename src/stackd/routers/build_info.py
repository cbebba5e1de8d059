"""Which build answers, and which engines are at work."""

from __future__ import annotations

from datetime import datetime

from starlette.responses import Response

from stackd.engine.usecases import service_queries
from stackd.engine.usecases.service_queries import ProcessView
from stackd.routers import models, views
from stackd.routers.front import Call
from stackd.routers.routing import noun

router = noun("service")


@router.get("/v1/{project}/build_info", response_model=models.BuildInfo)
async def build_info(call: Call) -> Response:
    """Show which build answers."""
    version = service_queries.build(call.engine, call.caller)
    return views.answer({"api": {"revision": version}, "engine": {"revision": version}})


@router.get("/v1/{project}/services", response_model=models.ServiceList)
async def services(call: Call) -> Response:
    """List the engines."""
    found = await service_queries.processes(call.engine, call.caller)
    return views.answer({"services": [_shown(each) for each in found]})


def _shown(view: ProcessView) -> views.Json:
    process = view.process
    return {
        "id": process.id,
        "engine_id": process.id,
        "binary": "heat-engine",
        "host": process.host,
        "hostname": process.host,
        "topic": "engine",
        "report_interval": process.report_interval,
        "created_at": _naive(process.started_at),
        "updated_at": _naive(process.seen_at),
        "deleted_at": None,
        "status": "up" if view.is_up else "down",
    }


def _naive(time: datetime) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S.%f")
