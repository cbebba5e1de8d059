"""Ironic: machines, and their network cards."""

from __future__ import annotations

from stackd.devcloud.ironic import nodes, ports
from stackd.devcloud.ironic.style import STYLE, fault
from stackd.devcloud.service import Microversions, Service
from stackd.devcloud.wire import Call, Reply

_VERSIONS = Microversions(
    name="baremetal", lowest=(1, 1), highest=(1, 95), legacy_header="x-openstack-ironic-api-version"
)


def _versions(call: Call) -> Reply:
    links = [{"href": f"{call.base}/v1/", "rel": "self"}]
    version = {"id": "v1", "links": links, "status": "CURRENT", "min_version": "1.1", "version": "1.95"}
    return Reply(200, {"name": "OpenStack Ironic API", "default_version": version, "versions": [version]})


IRONIC = Service(
    name="baremetal",
    prefix="baremetal",
    api="/v1",
    catalog=(("baremetal", "ironic", ""),),
    fault=fault,
    collections=((nodes.NODES, STYLE), (nodes.PORTGROUPS, STYLE), (ports.PORT_COLLECTION, STYLE)),
    routes=ports.ROUTES,
    microversions=_VERSIONS,
    versions=_versions,
    start=nodes.seed,
)
