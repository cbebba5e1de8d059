"""Blazar: hosts that can be reserved, and leases."""

from __future__ import annotations

from stackd.devcloud.blazar import hosts, leases
from stackd.devcloud.blazar.style import STYLE, fault
from stackd.devcloud.service import Service
from stackd.devcloud.wire import Call, Reply


def _versions(call: Call) -> Reply:
    links = [{"href": f"{call.base}/v1", "rel": "self"}]
    return Reply(200, {"versions": [{"id": "v1.0", "status": "CURRENT", "links": links}]})


BLAZAR = Service(
    name="reservation",
    prefix="reservation",
    api="/v1",
    catalog=(("reservation", "blazar", "/v1"),),
    fault=fault,
    collections=((hosts.HOSTS, STYLE), (leases.LEASE_COLLECTION, STYLE)),
    versions=_versions,
)
