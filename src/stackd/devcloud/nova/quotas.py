"""Quotas of projects; later versions of the API no longer know all of them."""

from __future__ import annotations

from stackd.devcloud.collection import demand
from stackd.devcloud.nova.boot import usage
from stackd.devcloud.nova.style import PLAIN
from stackd.devcloud.store import JSON
from stackd.devcloud.wire import Call, Reply, Route, bad_request

_ALWAYS = {
    "instances": "servers", "cores": "cores", "ram": "ram", "key_pairs": "keypairs",
    "server_groups": "server_groups", "server_group_members": "server_group_members",
    "metadata_items": "metadata_items",
}  # fmt: skip
"""Nova's names of quotas, and the dev cloud's."""

_NETWORKS = ("fixed_ips", "floating_ips", "security_groups", "security_group_rules")
_FILES = ("injected_files", "injected_file_content_bytes", "injected_file_path_bytes")
_UNTIL = (((2, 35), _NETWORKS), ((2, 56), _FILES))
"""The last versions that have further quotas, which limit nothing."""


def _names(call: Call) -> dict[str, str]:
    more = [name for last, names in _UNTIL if call.version <= last for name in names]
    return _ALWAYS | {name: f"nova {name}" for name in more}


def _show(call: Call) -> Reply:
    project_id = call.params["project"]
    limits: JSON = {theirs: call.world.quota(project_id, ours) for theirs, ours in _names(call).items()}
    if call.path.endswith("/detail"):
        used = _used(call)
        limits = {k: {"limit": v, "in_use": used.get(k, 0), "reserved": 0} for k, v in limits.items()}
    return Reply(200, {"quota_set": limits | {"id": project_id}})


def _used(call: Call) -> dict[str, int]:
    used = usage(call, call.params["project"])
    return {name.replace("servers", "instances"): number for name, number in used.items()}


def _update(call: Call) -> Reply:
    demand(call, "admin", "os-quota-sets:update", PLAIN)
    project_id, names, used = call.params["project"], _names(call), _used(call)
    if call.store.get("identity.projects", project_id) is None:
        raise bad_request(f"Project ID {project_id} is not a valid project.")
    asked = call.unwrap("quota_set")
    is_forced = asked.pop("force", False)
    for name, limit in asked.items():
        _check(name, limit, names, 0 if is_forced else used.get(name, 0))
    for name, limit in asked.items():
        call.world.project_quotas[project_id, names[name]] = limit
    return _show(call)


def _check(name: str, limit: object, names: dict[str, str], least: int) -> None:
    if name not in names or not isinstance(limit, int) or limit < -1:
        raise bad_request(f"Invalid input for field/attribute {name}. Value: {limit}.")
    if -1 < limit < least:
        raise bad_request(
            f"Quota limit {limit} for {name} must be greater than or equal to already used and reserved "
            f"{least}."
        )


def _delete(call: Call) -> Reply:
    demand(call, "admin", "os-quota-sets:delete", PLAIN)
    for name in {*_names(call).values(), *(f"nova {name}" for _, names in _UNTIL for name in names)}:
        call.world.project_quotas.pop((call.params["project"], name), None)
    return Reply(202)


_QUOTA = "/os-quota-sets/{project}"
ROUTES = (
    Route("GET", _QUOTA, _show),
    Route("GET", _QUOTA + "/defaults", _show),
    Route("GET", _QUOTA + "/detail", _show),
    Route("PUT", _QUOTA, _update),
    Route("DELETE", _QUOTA, _delete),
)
