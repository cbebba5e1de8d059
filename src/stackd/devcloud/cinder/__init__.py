"""Cinder: volumes."""

from __future__ import annotations

import re

from stackd.devcloud.cinder import qos, quotas, types, volumes
from stackd.devcloud.cinder.style import fault
from stackd.devcloud.service import Microversions, Service
from stackd.devcloud.wire import Call, Reply
from stackd.devcloud.world import World

PROJECT = re.compile(r"/[0-9a-f]{32}(?=/|$)")
SEEDED: tuple[tuple[str, dict[str, str]], ...] = (
    ("__DEFAULT__", {}),
    ("fake", {"volume_backend_name": "fake"}),
    ("fast", {"volume_backend_name": "fake"}),
)


def _split(path: str) -> tuple[str, str]:
    if (match := PROJECT.match(path)) is not None:
        return match.group(), path[match.end() :]
    return "", path


def _versions(call: Call) -> Reply:
    root = call.base.partition("/v3")[0]
    version = {
        "id": "v3.0", "status": "CURRENT", "version": "3.70", "min_version": "3.0",
        "updated": "2023-08-31T00:00:00Z", "links": [{"rel": "self", "href": f"{root}/v3/"}],
        "media-types": [{
            "base": "application/json", "type": "application/vnd.openstack.volume+json;version=3",
        }],
    }  # fmt: skip
    return Reply(200 if "/v3" in call.base else 300, {"versions": [version]})


def _start(world: World) -> None:
    for name, specs in SEEDED:
        type_id = world.uuid()
        world.store.add("volume.types", type_id, "", {
            "id": type_id, "name": name, "description": None, "is_public": True, "extra_specs": dict(specs),
            "qos_specs_id": None, types.ACCESS: True,
        }, {"projects": set()})  # fmt: skip


CINDER = Service(
    name="volume",
    prefix="volume",
    api="/v3",
    catalog=(
        ("volumev3", "cinderv3", "/v3/$(project_id)s"),
        ("block-storage", "cinder", "/v3/$(project_id)s"),
    ),
    fault=fault,
    collections=(*volumes.COLLECTIONS, *types.COLLECTIONS, *qos.COLLECTIONS),
    routes=(*volumes.ROUTES, *types.ROUTES, *qos.ROUTES, *quotas.ROUTES),
    microversions=Microversions(name="volume", lowest=(3, 0), highest=(3, 70)),
    request_id_headers=("x-openstack-request-id", "x-compute-request-id"),
    split=_split,
    versions=_versions,
    start=_start,
)
