"""Volume types with their extra specs, QoS specs, quotas, limits."""

from __future__ import annotations

from stackd.devcloud.cinder.style import STYLE, missing
from stackd.devcloud.collection import Collection, Field, demand, fetch
from stackd.devcloud.store import JSON, Entity
from stackd.devcloud.wire import Call, Handler, Reply, Route, conflict, not_found

QUOTAS = (
    "volumes",
    "gigabytes",
    "snapshots",
    "backups",
    "backup_gigabytes",
    "groups",
    "per_volume_gigabytes",
)
ACCESS = "os-volume-type-access:is_public"


def _prepare_type(call: Call, values: JSON, private: JSON) -> None:
    public = values.pop("is_public", True) if values[ACCESS] is None else values[ACCESS]
    values |= {"is_public": public, ACCESS: public, "extra_specs": values["extra_specs"] or {}}
    private["projects"] = set()


def _sees_type(call: Call, entity: Entity) -> bool:
    allowed = entity.data["is_public"] or call.actor.project_id in entity.private.get("projects", ())
    return allowed or call.actor.is_admin


def _change_type(call: Call, entity: Entity, changes: JSON) -> None:
    public = changes.get("is_public", changes.get(ACCESS))
    if public is not None:
        changes |= {"is_public": public, ACCESS: public}


def _guard_type(call: Call, entity: Entity) -> None:
    if call.store.first("volume.volumes", volume_type_id=entity.id) is not None:
        raise conflict(
            f"Target volume type is still in use: Volume Type {entity.id} deletion is not allowed with "
            f"existing "
            "volumes with the type."
        )


TYPES = Collection(
    kind="volume.types", path="/types", singular="volume_type", plural="volume_types", label="Volume type",
    fields={
        "name": Field(required=True), "description": Field(), "extra_specs": Field(),
        "is_public": Field(True),
        ACCESS: Field(), "qos_specs_id": Field(),
    },
    unique=(("name",),), sees=_sees_type, writer="admin", projectless=True, create_status=200,
    prepare=_prepare_type, change=_change_type, guard=_guard_type,
)  # fmt: skip
QOS_SPECS = Collection(
    kind="volume.qos_specs", path="/qos-specs", singular="qos_specs", plural="qos_specs", label="QoS Specs",
    fields={"name": Field(required=True), "consumer": Field("back-end")},
    unique=(("name",),), sees=lambda call, entity: True, writer="admin", projectless=True, create_status=200,
    methods="list create show delete",
)  # fmt: skip
COLLECTIONS = ((TYPES, STYLE), (QOS_SPECS, STYLE))


def _type(call: Call) -> Entity:
    return fetch(TYPES, STYLE, call, call.params["id"])


def _specs(call: Call) -> Reply:
    return Reply(200, {"extra_specs": _type(call).data["extra_specs"]})


def _set_specs(call: Call) -> Reply:
    demand(call, "admin", "types_extra_specs:create", STYLE)
    entity = _type(call)
    call.store.update(entity, {"extra_specs": entity.data["extra_specs"] | call.unwrap("extra_specs")})
    return Reply(200, {"extra_specs": entity.data["extra_specs"]})


def _spec(call: Call) -> Reply:
    specs, key = _type(call).data["extra_specs"], call.params["key"]
    if key not in specs:
        raise not_found(f"Volume Type {call.params['id']} has no extra specs with key {key}.")
    return Reply(200, {key: specs[key]})


def _put_spec(call: Call) -> Reply:
    demand(call, "admin", "types_extra_specs:update", STYLE)
    entity = _type(call)
    call.store.update(entity, {"extra_specs": entity.data["extra_specs"] | call.json()})
    return Reply(200, call.json())


def _delete_spec(call: Call) -> Reply:
    demand(call, "admin", "types_extra_specs:delete", STYLE)
    _spec(call)
    entity, key = _type(call), call.params["key"]
    kept = {name: value for name, value in entity.data["extra_specs"].items() if name != key}
    call.store.update(entity, {"extra_specs": kept})
    return Reply(202)


def _list_access(call: Call) -> Reply:
    demand(call, "admin", "volume_type_access", STYLE)
    entity = _type(call)
    rows = [{"volume_type_id": entity.id, "project_id": item} for item in sorted(entity.private["projects"])]
    return Reply(200, {"volume_type_access": rows})


def _access_action(call: Call) -> Reply:
    demand(call, "admin", "volume_type_access", STYLE)
    entity = _type(call)
    projects: set[str] = entity.private["projects"]
    for name, desired in call.json().items():
        if name == "addProjectAccess":
            projects.add(desired["project"])
        elif name == "removeProjectAccess":
            projects.discard(desired["project"])
    return Reply(202)


def _encryption(verb: str) -> Handler:
    def handle(call: Call) -> Reply:
        entity = _type(call)
        if verb == "show":
            return Reply(200, entity.private.get("encryption", {}))
        demand(call, "admin", "volume_type_encryption", STYLE)
        if verb == "delete":
            if not entity.private.pop("encryption", None):
                raise missing("Volume type encryption for type", entity.id)
            return Reply(202)
        known = {} if verb == "create" else entity.private.get("encryption", {})
        fresh = {"volume_type_id": entity.id, "encryption_id": call.world.uuid()}
        entity.private["encryption"] = fresh | known | call.unwrap("encryption")
        return Reply(200, {"encryption": entity.private["encryption"]})

    return handle


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
    for name, limit in call.unwrap("quota_set").items():
        if name in QUOTAS:
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


def _services(call: Call) -> Reply:
    return Reply(200, {"services": []})


def _extensions(call: Call) -> Reply:
    return Reply(200, {"extensions": []})


_ENCRYPTION = "/types/{id}/encryption"
ROUTES = (
    Route("GET", "/types/{id}/extra_specs", _specs),
    Route("POST", "/types/{id}/extra_specs", _set_specs),
    Route("GET", "/types/{id}/extra_specs/{key}", _spec),
    Route("PUT", "/types/{id}/extra_specs/{key}", _put_spec),
    Route("DELETE", "/types/{id}/extra_specs/{key}", _delete_spec),
    Route("GET", "/types/{id}/os-volume-type-access", _list_access),
    Route("POST", "/types/{id}/action", _access_action),
    Route("GET", _ENCRYPTION, _encryption("show")),
    Route("POST", _ENCRYPTION, _encryption("create")),
    Route("PUT", _ENCRYPTION + "/{provider}", _encryption("update")),
    Route("DELETE", _ENCRYPTION + "/{provider}", _encryption("delete")),
    Route("GET", "/os-quota-sets/{project}", _quota_set),
    Route("PUT", "/os-quota-sets/{project}", _update_quota),
    Route("DELETE", "/os-quota-sets/{project}", _delete_quota),
    Route("GET", "/limits", _limits),
    Route("GET", "/os-availability-zone", _zones),
    Route("GET", "/os-services", _services),
    Route("GET", "/extensions", _extensions),
)
