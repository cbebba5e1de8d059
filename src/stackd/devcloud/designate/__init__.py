"""Designate: zones and their recordsets."""

from __future__ import annotations

from stackd.devcloud.designate import recordsets, zones
from stackd.devcloud.designate.style import STYLE, fault
from stackd.devcloud.service import Service
from stackd.devcloud.wire import Call, Reply


def _versions(call: Call) -> Reply:
    links = [{"href": f"{call.base}/v2", "rel": "self"}]
    return Reply(200, {"versions": {"values": [{"id": "v2", "status": "CURRENT", "links": links}]}})


DESIGNATE = Service(
    name="dns",
    prefix="dns",
    api="/v2",
    catalog=(("dns", "designate", ""),),
    fault=fault,
    collections=((zones.ZONES, STYLE), (recordsets.SETS, STYLE)),
    routes=(*zones.ROUTES, *recordsets.ROUTES),
    versions=_versions,
)
