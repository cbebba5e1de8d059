"""Quotas and limits of projects, and what else a client asks Cinder about itself."""

from __future__ import annotations

from stackd.devcloud.cinder.style import STYLE
from stackd.devcloud.collection import demand
from stackd.devcloud.store import JSON
from stackd.devcloud.wire import Call, Handler, Reply, Route, bad_request

QUOTAS = (
    "volumes", "gigabytes", "snapshots", "backups", "backup_gigabytes", "groups", "per_volume_gigabytes",
)  # fmt: skip


def _quota_set(call: Call) -> Reply:
    limits: JSON = {name: call.world.quota(call.params["project"], name) for name in QUOTAS}
    if call.first("usage", "false").lower() == "true":
        limits = {
            name: {"limit": limit, "in_use": _used(call, name), "reserved": 0}
            for name, limit in limits.items()
        }
    return Reply(200, {"quota_set": limits | {"id": call.params["project"]}})


def _used(call: Call, name: str) -> int:
    project_id = call.params.get("project", call.actor.project_id)
    if name == "gigabytes":
        volumes = call.store.all("volume.volumes")
        return sum(volume.data["size"] for volume in volumes if volume.project_id == project_id)
    kind = f"volume.{name}"
    rows = call.store.all(kind) if kind in call.store.tables else ()
    return sum(1 for row in rows if row.project_id == project_id)


def _update_quota(call: Call) -> Reply:
    demand(call, "admin", "quotas:update", STYLE)
    asked = call.unwrap("quota_set")
    if unknown := sorted(asked.keys() - set(QUOTAS)):
        raise bad_request(f"Invalid input received: Bad key(s) in quota set: {', '.join(unknown)}")
    for name, limit in asked.items():
        if int(limit) < -1:
            raise bad_request(f"{name} must be >= -1")
        call.world.project_quotas[call.params["project"], name] = int(limit)
    return _quota_set(call)


def _delete_quota(call: Call) -> Reply:
    demand(call, "admin", "quotas:delete", STYLE)
    for name in QUOTAS:
        call.world.project_quotas.pop((call.params["project"], name), None)
    return Reply(200)


def _limits(call: Call) -> Reply:
    project_id = call.actor.project_id
    absolute = {
        "maxTotalVolumes": call.world.quota(project_id, "volumes"),
        "maxTotalSnapshots": call.world.quota(project_id, "snapshots"),
        "maxTotalVolumeGigabytes": call.world.quota(project_id, "gigabytes"),
        "maxTotalBackups": call.world.quota(project_id, "backups"),
        "maxTotalBackupGigabytes": call.world.quota(project_id, "backup_gigabytes"),
        "totalVolumesUsed": _used(call, "volumes"), "totalGigabytesUsed": _used(call, "gigabytes"),
        "totalSnapshotsUsed": _used(call, "snapshots"), "totalBackupsUsed": _used(call, "backups"),
        "totalBackupGigabytesUsed": 0,
    }  # fmt: skip
    return Reply(200, {"limits": {"rate": [], "absolute": absolute}})


def _zones(call: Call) -> Reply:
    return Reply(200, {"availabilityZoneInfo": [{"zoneName": "nova", "zoneState": {"available": True}}]})


def _empty(plural: str) -> Handler:
    def handle(call: Call) -> Reply:
        return Reply(200, {plural: []})

    return handle


def _extensions(call: Call) -> Reply:
    """All that is left of what once were extensions of the API, by alias."""
    return Reply(200, {"extensions": [{"alias": alias, "name": alias} for alias in _ALIASES]})


_ALIASES = ("encryption", "os-quota-sets", "os-types-manage", "os-types-extra-specs", "qos-specs")
_QUOTA = "/os-quota-sets/{project}"
ROUTES = (
    Route("GET", _QUOTA, _quota_set),
    Route("PUT", _QUOTA, _update_quota),
    Route("DELETE", _QUOTA, _delete_quota),
    Route("GET", "/limits", _limits),
    Route("GET", "/os-availability-zone", _zones),
    Route("GET", "/os-services", _empty("services")),
    Route("GET", "/extensions", _extensions),
)
