"""Manila: shares, their types and rules of access, share networks and security services."""

from __future__ import annotations

from typing import Final

from stackd.devcloud.manila import access, networks, shares, types
from stackd.devcloud.manila.style import STYLE, fault
from stackd.devcloud.service import Microversions, Service
from stackd.devcloud.store import JSON
from stackd.devcloud.wire import Call, Reply
from stackd.devcloud.world import World

_MICROVERSIONS: Final = Microversions(
    name="shared-file-system",
    lowest=(2, 51),
    highest=(2, 65),
    legacy_header="x-openstack-manila-api-version",
)
"""The versions in which everything has the form that is simulated."""

_SEEDED: Final = (("default", False), ("servers", True))
"""Names of the first share types, and whether their shares have servers of their own."""


def _versions(call: Call) -> Reply:
    root = call.base.removesuffix("/v2")
    low, high = (".".join(map(str, each)) for each in (_MICROVERSIONS.lowest, _MICROVERSIONS.highest))
    version = {
        "id": "v2.0", "status": "CURRENT", "version": high, "min_version": low,
        "updated": "2015-08-27T11:33:21Z", "links": [{"rel": "self", "href": f"{root}/v2/"}],
    }  # fmt: skip
    return Reply(200 if "/v2" in call.base else 300, {"versions": [version]})


def _start(world: World) -> None:
    for name, has_servers in _SEEDED:
        identity = world.named_id("share-type", name)
        specs = {types.SERVERS: str(has_servers), types.SNAPSHOTS: "True"}
        data: JSON = {"id": identity, "name": name, "description": None, types.PUBLIC: True}
        world.store.add(types.TYPES.kind, identity, "", data | {"extra_specs": specs})


MANILA: Final = Service(
    name="shared-file-system",
    prefix="shared-file-system",
    api="/v2",
    catalog=(("shared-file-system", "manila", "/v2"), ("sharev2", "manilav2", "/v2")),
    fault=fault,
    collections=tuple(
        (each, STYLE)
        for each in (
            *(shares.SHARES, shares.SNAPSHOTS, access.RULES, types.TYPES),
            *(networks.NETWORKS, networks.SECURITY),
        )
    ),
    routes=(*shares.ROUTES, *access.ROUTES, *types.ROUTES, *networks.ROUTES),
    microversions=_MICROVERSIONS,
    versions=_versions,
    start=_start,
)
