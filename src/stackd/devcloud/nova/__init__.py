"""Nova: servers."""

from __future__ import annotations

from stackd.devcloud.nova import actions, attachments, extras, flavors, hosts, quotas, servers
from stackd.devcloud.nova.style import PLAIN, fault
from stackd.devcloud.service import Microversions, Service
from stackd.devcloud.wire import Call, Reply

MICROVERSIONS = Microversions(
    name="compute", lowest=(2, 1), highest=(2, 93), legacy_header="x-openstack-nova-api-version"
)


def _versions(call: Call) -> Reply:
    root = call.base.removesuffix("/v2.1")
    version = {
        "id": "v2.1", "status": "CURRENT", "version": "2.93", "min_version": "2.1",
        "updated": "2013-07-23T11:33:21Z", "links": [{"rel": "self", "href": f"{root}/v2.1/"}],
    }  # fmt: skip
    if call.base.endswith("/v2.1"):
        kind = "application/vnd.openstack.compute+json;version=2.1"
        media = [{"base": "application/json", "type": kind}]
        return Reply(200, {"version": version | {"media-types": media}})
    return Reply(200, {"versions": [version]})


NOVA = Service(
    name="compute",
    prefix="compute",
    api="/v2.1",
    catalog=(("compute", "nova", "/v2.1"),),
    fault=fault,
    collections=(
        *servers.COLLECTIONS,
        *extras.COLLECTIONS,
        *hosts.COLLECTIONS,
        (flavors.FLAVORS, PLAIN),
    ),
    routes=(
        *actions.ROUTES,
        *attachments.ROUTES,
        *extras.ROUTES,
        *flavors.ROUTES,
        *hosts.ROUTES,
        *quotas.ROUTES,
    ),
    kinds={extras.KEYPAIRS: ("user_id",)},
    microversions=MICROVERSIONS,
    request_id_headers=("x-openstack-request-id", "x-compute-request-id"),
    versions=_versions,
    start=flavors.seed,
)
