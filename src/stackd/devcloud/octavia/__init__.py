"""Octavia: load balancers and their parts."""

from __future__ import annotations

from stackd.devcloud.octavia import batch, offers
from stackd.devcloud.octavia.balancers import BALANCERS, LISTENERS
from stackd.devcloud.octavia.policies import POLICIES, RULES
from stackd.devcloud.octavia.pools import MEMBERS, MONITORS, POOLS
from stackd.devcloud.octavia.style import PROVIDER, STYLE, fault
from stackd.devcloud.service import Service
from stackd.devcloud.wire import Call, Reply, Route


def _versions(call: Call) -> Reply:
    links = [{"href": f"{call.base}/v2", "rel": "self"}]
    version = {"id": "v2.27", "status": "CURRENT", "updated": "2023-05-05T00:00:00Z", "links": links}
    return Reply(200, {"versions": [version]})


def _providers(call: Call) -> Reply:
    return Reply(200, {"providers": [{"name": PROVIDER, "description": "The Octavia Amphora driver."}]})


_BALANCED = (BALANCERS, LISTENERS, POOLS, MEMBERS, MONITORS, POLICIES, RULES)
OCTAVIA = Service(
    name="load-balancer",
    prefix="load-balancer",
    api="/v2",
    catalog=(("load-balancer", "octavia", ""),),
    fault=fault,
    collections=(*((each, STYLE) for each in _BALANCED), *offers.COLLECTIONS),
    routes=(*offers.ROUTES, batch.ROUTE, Route("GET", "/lbaas/providers", _providers)),
    versions=_versions,
)
