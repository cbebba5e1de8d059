"""Magnum: clusters that run containers, and the templates that they are made of."""

from __future__ import annotations

from stackd.devcloud.magnum import clusters, templates
from stackd.devcloud.magnum.style import STYLE, fault
from stackd.devcloud.service import Microversions, Service
from stackd.devcloud.wire import Call, Reply

_HIGHEST = (1, 11)


def _versions(call: Call) -> Reply:
    version = {
        "id": "v1", "status": "CURRENT", "min_version": "1.1", "max_version": ".".join(map(str, _HIGHEST)),
        "links": [{"rel": "self", "href": f"{call.base}/v1/"}],
    }  # fmt: skip
    return Reply(200, {"name": "OpenStack Magnum API", "versions": [version]})


MAGNUM = Service(
    name="container-infra",
    prefix="container-infra",
    api="/v1",
    catalog=(("container-infra", "magnum", "/v1"),),
    fault=fault,
    collections=((templates.TEMPLATES, STYLE), (clusters.CLUSTERS, STYLE)),
    routes=(*templates.ROUTES, *clusters.ROUTES),
    microversions=Microversions(name="container-infra", lowest=(1, 1), highest=_HIGHEST),
    versions=_versions,
)
