"""Trove: database instances with their databases and users, clusters of instances, datastores."""

from __future__ import annotations

import re
from typing import Final

from stackd.devcloud.service import Service
from stackd.devcloud.trove import actions, backups, clusters, contents, datastores, instances
from stackd.devcloud.trove.style import STYLE, fault
from stackd.devcloud.wire import Call, Reply

_PROJECT: Final = re.compile(r"/[0-9a-f]{32}(?=/|$)")


def _split(path: str) -> tuple[str, str]:
    if (match := _PROJECT.match(path)) is not None:
        return match.group(), path[match.end() :]
    return "", path


def _versions(call: Call) -> Reply:
    root = call.base.partition("/v1.0")[0]
    links = [{"href": f"{root}/v1.0/", "rel": "self"}]
    version = {"id": "v1.0", "status": "CURRENT", "updated": "2012-08-01T00:00:00Z", "links": links}
    return Reply(200, {"versions": [version]})


TROVE: Final = Service(
    name="database",
    prefix="database",
    api="/v1.0",
    catalog=(("database", "trove", "/v1.0/$(project_id)s"),),
    fault=fault,
    collections=tuple((each, STYLE) for each in (instances.INSTANCES, clusters.CLUSTERS, backups.BACKUPS)),
    routes=(*datastores.ROUTES, *instances.ROUTES, *actions.ROUTES, *contents.ROUTES, *clusters.ROUTES),
    split=_split,
    versions=_versions,
)
