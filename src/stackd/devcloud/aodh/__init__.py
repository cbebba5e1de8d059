"""Aodh: alarms, whose state is set by hand."""

from __future__ import annotations

from stackd.devcloud.aodh.alarms import ALARMS, ROUTES
from stackd.devcloud.rest import unauthorized
from stackd.devcloud.service import Service
from stackd.devcloud.wire import Call, Fault, Reply


def fault(error: Fault) -> Reply:
    """A fault as Aodh renders it."""
    if error.status == 401 and not error.message.startswith("You are not authorized"):
        return unauthorized()
    side = "Client" if error.status < 500 else "Server"
    message = {"faultcode": side, "faultstring": error.message, "debuginfo": None}
    return Reply(error.status, {"error_message": message})


def _versions(call: Call) -> Reply:
    links = [{"href": f"{call.base}/v2", "rel": "self"}]
    version = {"id": "v2", "status": "stable", "updated": "2013-02-13T00:00:00Z", "links": links}
    return Reply(200, {"versions": {"values": [version]}})


AODH = Service(
    name="alarming",
    prefix="alarming",
    api="/v2",
    catalog=(("alarming", "aodh", ""),),
    fault=fault,
    routes=ROUTES,
    kinds={ALARMS: ()},
    versions=_versions,
)
