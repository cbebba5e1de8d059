"""What is answered outside any version: which versions there are, and whether the server lives."""

from __future__ import annotations

from starlette.responses import Response

from stackd.routers import views

MEDIA_TYPE = "application/vnd.openstack.orchestration-v1.0"


def choices(origin: str) -> Response:
    """The list of versions, as 300 Multiple Choices."""
    links = [{"rel": "self", "href": f"{origin}/v1/"}]
    return views.answer({"versions": [{"id": "v1.0", "status": "CURRENT", "links": links}]}, 300)


def health() -> Response:
    """The server answers."""
    return Response("OK", media_type="text/plain")
