"""Keystone: users, projects, roles, tokens and the service catalog."""

from __future__ import annotations

from stackd.devcloud.keystone import assignments, catalog, delegation, ec2, tokens
from stackd.devcloud.keystone.kept_trusts import TRUSTS
from stackd.devcloud.keystone.resources import COLLECTIONS
from stackd.devcloud.keystone.seed import seed
from stackd.devcloud.keystone.style import fault
from stackd.devcloud.service import Service
from stackd.devcloud.wire import Call, Reply


def _versions(call: Call) -> Reply:
    root = call.base.removesuffix("/v3")
    version = {
        "id": "v3.14", "status": "stable", "updated": "2020-04-07T00:00:00Z",
        "links": [{"rel": "self", "href": f"{root}/v3/"}],
        "media-types": [
            {"base": "application/json", "type": "application/vnd.openstack.identity-v3+json"}
        ],
    }  # fmt: skip
    if call.base.endswith("/v3"):
        return Reply(200, {"version": version})
    return Reply(300, {"versions": {"values": [version]}}, {"location": f"{root}/v3/"})


KEYSTONE = Service(
    name="identity",
    prefix="identity",
    api="/v3",
    catalog=(("identity", "keystone", "/v3"),),
    fault=fault,
    collections=(*COLLECTIONS, *catalog.COLLECTIONS),
    routes=(*assignments.ROUTES, *delegation.ROUTES, *ec2.ROUTES, *tokens.ROUTES),
    kinds={
        assignments.KIND: ("actor",),
        assignments.IMPLICATIONS: ("prior",),
        TRUSTS: (),
        delegation.APP_CREDENTIALS: ("user_id",),
    },
    versions=_versions,
    start=seed,
)
