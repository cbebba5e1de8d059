"""What is answered outside of the versions: which there are, and whether the server lives."""

from __future__ import annotations

import orjson
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from stackd.cfn_query.front import ROUTE, front_of

router = APIRouter(redirect_slashes=False)
_HEALTH = "/healthcheck"


@router.get("/versions")
@router.get("/versions/")
async def listed(request: Request) -> Response:
    """List the versions."""
    return choices(request)


@router.get(_HEALTH)
async def health(request: Request) -> Response:
    """Health check: fails if the engine does not work."""
    request.scope[ROUTE] = _HEALTH
    front_of(request).engine.check_health()
    return Response("OK", media_type="text/plain")


def choices(request: Request) -> Response:
    """The list of versions, as 300 Multiple Choices."""
    public = front_of(request).settings.api.cfn.public_url or str(request.base_url)
    links = [{"rel": "self", "href": f"{public.rstrip('/')}/v1/"}]
    listed = {"versions": [{"id": "v1.0", "status": "CURRENT", "links": links}]}
    return Response(orjson.dumps(listed), 300, media_type="application/json")
