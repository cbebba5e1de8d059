"""Zun: containers with ports and volumes."""

from __future__ import annotations

from stackd.devcloud.service import Microversions, Service
from stackd.devcloud.wire import Call, Reply
from stackd.devcloud.zun import attachments, containers
from stackd.devcloud.zun.style import STYLE, fault

_HIGHEST = (1, 40)


def _versions(call: Call) -> Reply:
    version = {
        "id": "v1", "status": "CURRENT", "min_version": "1.1", "max_version": ".".join(map(str, _HIGHEST)),
        "links": [{"rel": "self", "href": f"{call.base}/v1/"}],
    }  # fmt: skip
    return Reply(200, {"name": "OpenStack Zun API", "default_version": version, "versions": [version]})


ZUN = Service(
    name="container",
    prefix="container",
    api="/v1",
    catalog=(("container", "zun", "/v1"),),
    fault=fault,
    collections=((containers.CONTAINERS, STYLE),),
    routes=(*containers.ROUTES, *attachments.ROUTES),
    microversions=Microversions(name="container", lowest=(1, 1), highest=_HIGHEST),
    versions=_versions,
)
