"""Which build answers, and which engines are at work."""

from __future__ import annotations

from datetime import UTC, datetime

from starlette.responses import Response

from stackd.db import engines
from stackd.routers import models, views
from stackd.routers.front import Call
from stackd.routers.routing import noun

router = noun("service")


@router.get("/v1/{project}/build_info", response_model=models.BuildInfo)
async def build_info(call: Call) -> Response:
    """Show which build answers."""
    call.enforce("build_info:build_info")
    from stackd import __version__

    return views.answer({"api": {"revision": __version__}, "engine": {"revision": __version__}})


@router.get("/v1/{project}/services", response_model=models.ServiceList)
async def services(call: Call) -> Response:
    """List the engines."""
    call.enforce("service:index")
    known = await engines.known(call.db)
    return views.answer({"services": [_shown(engine) for engine in known]})


def _shown(engine: engines.Engine) -> views.Json:
    silent = (datetime.now(UTC) - engine.seen_at).total_seconds()
    return {
        "id": engine.id,
        "engine_id": engine.id,
        "binary": "heat-engine",
        "host": engine.host,
        "hostname": engine.host,
        "topic": "engine",
        "report_interval": engine.report_interval,
        "created_at": _naive(engine.started_at),
        "updated_at": _naive(engine.seen_at),
        "deleted_at": None,
        "status": "up" if silent <= 2 * engine.report_interval else "down",
    }


def _naive(time: datetime) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S.%f")
