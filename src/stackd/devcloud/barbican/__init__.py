"""Barbican: secrets, containers of them, and orders for new ones."""

from __future__ import annotations

from stackd.devcloud.barbican import containers, orders, secrets
from stackd.devcloud.barbican.style import STYLE, fault
from stackd.devcloud.service import Service
from stackd.devcloud.wire import Call, Reply


def _versions(call: Call) -> Reply:
    links = [{"href": f"{call.base}/v1/", "rel": "self"}]
    version = {"id": "v1", "status": "CURRENT", "updated": "2015-04-28T00:00:00Z", "links": links}
    return Reply(200 if "/v1" in call.base else 300, {"versions": {"values": [version]}})


BARBICAN = Service(
    name="key-manager",
    prefix="key-manager",
    api="/v1",
    catalog=(("key-manager", "barbican", ""),),
    fault=fault,
    collections=tuple((each, STYLE) for each in (secrets.SECRETS, containers.CONTAINERS, orders.ORDERS)),
    routes=(*secrets.ROUTES, *containers.ROUTES, *orders.ROUTES),
    versions=_versions,
)
