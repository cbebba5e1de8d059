"""Volumes, their snapshots and backups."""

from __future__ import annotations

from collections.abc import Callable

from stackd.devcloud.cinder.style import STYLE, missing
from stackd.devcloud.collection import Collection, Field, Progression, create, demand, fetch, touch
from stackd.devcloud.store import JSON, Entity
from stackd.devcloud.wire import Call, Fault, Reply, Route, bad_request, not_found
from stackd.devcloud.world import World, stamp_micros

DELETABLE = ("available", "error", "error_restoring", "error_extending", "error_managing")
Action = Callable[[Call, Entity, JSON], Reply]


def _type_of(call: Call, asked: object) -> Entity | None:
    if not asked:
        return call.store.first("volume.types", name="__DEFAULT__")
    found = call.store.get("volume.types", str(asked)) or call.store.first("volume.types", name=asked)
    if found is None:
        raise not_found(f"Volume type with name {asked} could not be found.")
    return found


def _source_size(call: Call, values: JSON) -> int:
    """The minimum size set by the source of a volume; 0 without a source."""
    if snapshot_id := values.get("snapshot_id"):
        snapshot = call.store.get("volume.snapshots", snapshot_id)
        if snapshot is None:
            raise missing("Snapshot", snapshot_id)
        return int(snapshot.data["size"])
    if source_id := values.get("source_volid"):
        source = call.store.get("volume.volumes", source_id)
        if source is None:
            raise missing("Volume", source_id)
        values["bootable"] = source.data["bootable"]
        return int(source.data["size"])
    if backup_id := values.get("backup_id"):
        backup = call.store.get("volume.backups", backup_id)
        if backup is None:
            raise missing("Backup", backup_id)
        return int(backup.data["size"])
    return 0


def _prepare_volume(call: Call, values: JSON, private: JSON) -> None:
    least = _source_size(call, values)
    size = values["size"] if values["size"] is not None else least or None
    if size is None:
        raise bad_request("Invalid input received: Missing required element 'size' in request body.")
    try:
        size = int(size)
    except (TypeError, ValueError) as error:
        raise bad_request(
            f"Invalid input for field/attribute size. Value: {size}. '{size}' is not of type 'integer'"
        ) from error
    if size < 1:
        raise bad_request(
            f"Invalid input for field/attribute size. Value: {size}. {size} is less than the minimum of 1"
        )
    if size < least:
        raise bad_request(
            f"Invalid input received: Volume size '{size}'GB cannot be smaller than the original {least}GB."
        )
    _check_gigabytes(call, size)
    kind = _type_of(call, values["volume_type"])
    image_id = values.pop("imageRef", None) or values.pop("image_id", None)
    for name in ("backup_id", "scheduler_hints", "OS-SCH-HNT:scheduler_hints"):
        values.pop(name, None)
    if image_id:
        _from_image(call, values, str(image_id))
    values |= {
        "size": size, "volume_type": kind.data["name"] if kind else None, "user_id": call.actor.user_id,
        "volume_type_id": kind.id if kind else None, "attachments": [], "encrypted": False,
        "availability_zone": values["availability_zone"] or "nova", "replication_status": None,
        "migration_status": None, "metadata": values["metadata"] or {}, "group_id": None,
        "os-vol-tenant-attr:tenant_id": call.actor.project_id, "os-vol-host-attr:host": "dev@fake#fake",
        "os-vol-mig-status-attr:migstat": None, "os-vol-mig-status-attr:name_id": None,
        "consistencygroup_id": None, "multiattach": bool(values["multiattach"]),
    }  # fmt: skip


def _from_image(call: Call, values: JSON, image_id: str) -> None:
    image = call.store.get("image.images", image_id)
    if image is None:
        raise bad_request(f"Invalid image identifier or unable to access requested image: {image_id}")
    values["bootable"] = "true"
    shown = ("id", "name", "checksum", "container_format", "disk_format", "min_disk", "min_ram", "size")
    details = {f"image_{key}" if key in ("id", "name") else key: str(image.data.get(key)) for key in shown}
    values["volume_image_metadata"] = details


def _check_gigabytes(call: Call, more: int) -> None:
    project_id = call.actor.project_id
    limit = call.world.quota(project_id, "gigabytes")
    if limit < 0:
        return
    used = sum(v.data["size"] for v in call.store.all("volume.volumes") if v.project_id == project_id)
    if used + more > limit:
        raise Fault(
            413,
            f"VolumeSizeExceedsAvailableQuota: Requested volume or snapshot exceeds allowed gigabytes quota. "
            f"Requested {more}G, quota is {limit}G and {used}G has been consumed.",
            headers={"retry-after": "0"},
        )


def _view_volume(call: Call, entity: Entity) -> JSON:
    url = f"{call.base}/volumes/{entity.id}"
    shown = entity.data | {"links": [{"rel": "self", "href": url}, {"rel": "bookmark", "href": url}]}
    if call.version < (3, 63):
        shown.pop("volume_type_id", None)
    return shown


def _brief_volume(call: Call, entity: Entity) -> JSON:
    shown = _view_volume(call, entity)
    return {key: shown[key] for key in ("id", "name", "links")}


def _guard_volume(call: Call, entity: Entity) -> None:
    if call.first("cascade", "false").lower() in ("true", "1"):
        for snapshot in list(call.store.find("volume.snapshots", volume_id=entity.id)):
            call.store.remove(snapshot)
    snapshots = call.store.first("volume.snapshots", volume_id=entity.id)
    if entity.data["status"] not in DELETABLE or entity.data["attachments"] or snapshots is not None:
        raise bad_request(
            "Invalid volume: Volume status must be available or error or error_restoring or "
            "error_extending or "
            "error_managing and must not be migrating, attached, belong to a group, have snapshots, "
            "awaiting a "
            "transfer, or be disassociated from snapshots after volume transfer."
        )


def _prepare_snapshot(call: Call, values: JSON, private: JSON) -> None:
    volume = fetch(VOLUMES, STYLE, call, str(values["volume_id"]))
    status = volume.data["status"]
    if status != "available" and not (values.pop("force", False) and status == "in-use"):
        raise bad_request(
            f"Invalid volume: Volume {volume.id} status must be available, but current status is: {status}."
        )
    values.pop("force", None)
    values |= {
        "size": volume.data["size"], "user_id": call.actor.user_id, "metadata": values["metadata"] or {},
        "os-extended-snapshot-attributes:progress": "100%", "group_snapshot_id": None,
        "os-extended-snapshot-attributes:project_id": call.actor.project_id,
    }  # fmt: skip


def _guard_snapshot(call: Call, entity: Entity) -> None:
    if entity.data["status"] not in ("available", "error"):
        raise bad_request("Invalid snapshot: Volume Snapshot status must be available or error.")


def _prepare_backup(call: Call, values: JSON, private: JSON) -> None:
    volume = fetch(VOLUMES, STYLE, call, str(values["volume_id"]))
    if volume.data["status"] not in ("available", "in-use"):
        raise bad_request(f"Invalid volume: Volume to be backed up must be available or in-use: {volume.id}")
    if volume.data["status"] == "in-use" and not values["force"]:
        raise bad_request("Invalid volume: Backing up an in-use volume must use the force flag.")
    values.pop("force")
    values |= {
        "size": volume.data["size"], "object_count": 22, "is_incremental": bool(values.pop("incremental")),
        "has_dependent_backups": False, "fail_reason": None, "availability_zone": "nova",
        "data_timestamp": stamp_micros(call.world.clock()), "user_id": call.actor.user_id,
        "container": values["container"] or "volumebackups",
    }  # fmt: skip


def _restore(call: Call) -> Reply:
    demand(call, "member", "backup_restore", STYLE)
    backup = fetch(BACKUPS, STYLE, call, call.params["id"])
    desired = call.unwrap("restore")
    if desired.get("volume_id"):
        volume = fetch(VOLUMES, STYLE, call, str(desired["volume_id"]))
        call.store.update(volume, {"status": "restoring-backup"})
        call.store.later(volume, call.world.ready_after, {"status": "available"})
    else:
        body = {"size": backup.data["size"], "name": desired.get("name") or f"restore_backup_{backup.id}"}
        volume = create(VOLUMES, STYLE, call, body)
    call.store.update(backup, {"status": "restoring"})
    call.store.later(backup, call.world.ready_after, {"status": "available"})
    reply = {"backup_id": backup.id, "volume_id": volume.id, "volume_name": volume.data["name"]}
    return Reply(202, {"restore": reply})


def attach(world: World, volume: Entity, server_id: str, device: str) -> JSON:
    """Attach a volume to a server; in-use at once for the API, as seen through Nova."""
    attachment: JSON = {
        "id": volume.id, "attachment_id": world.uuid(), "volume_id": volume.id, "server_id": server_id,
        "host_name": "dev", "device": device, "attached_at": stamp_micros(world.clock()),
    }  # fmt: skip
    world.store.update(volume, {"status": "in-use", "attachments": [*volume.data["attachments"], attachment]})
    volume.pending = None
    return attachment


def detach(world: World, volume: Entity, server_id: str) -> None:
    """Detach a volume from a server."""
    left = [item for item in volume.data["attachments"] if item["server_id"] != server_id]
    world.store.update(volume, {"attachments": left, "status": "in-use" if left else "available"})


VOLUMES = Collection(
    kind="volume.volumes", path="/volumes", singular="volume", plural="volumes", label="Volume",
    fields={
        "name": Field(), "description": Field(), "size": Field(put=False), "volume_type": Field(put=False),
        "availability_zone": Field(put=False), "metadata": Field(), "snapshot_id": Field(put=False),
        "source_volid": Field(put=False), "multiattach": Field(False, put=False),
        "bootable": Field("false", put=False),
    },
    indexes=("name",), detail=True, quota="volumes", progress=Progression("creating", "available"),
    broken={"status": "error"},
    deleting="deleting", prepare=_prepare_volume, guard=_guard_volume, view=_view_volume, brief=_brief_volume,
)  # fmt: skip
SNAPSHOTS = Collection(
    kind="volume.snapshots", path="/snapshots", singular="snapshot", plural="snapshots", label="Snapshot",
    fields={"name": Field(), "description": Field(), "volume_id": Field(required=True), "metadata": Field()},
    indexes=("volume_id",), detail=True, quota="snapshots", progress=Progression("creating", "available"),
    broken={"status": "error"}, deleting="deleting", prepare=_prepare_snapshot, guard=_guard_snapshot,
)  # fmt: skip
BACKUPS = Collection(
    kind="volume.backups", path="/backups", singular="backup", plural="backups", label="Backup",
    fields={
        "name": Field(), "description": Field(), "volume_id": Field(required=True), "snapshot_id": Field(),
        "container": Field(), "incremental": Field(False), "force": Field(False),
    },
    detail=True, quota="backups", progress=Progression("creating", "available"), broken={"status": "error"},
    deleting="deleting", prepare=_prepare_backup,
)  # fmt: skip
COLLECTIONS = ((VOLUMES, STYLE), (SNAPSHOTS, STYLE), (BACKUPS, STYLE))


def _extend(call: Call, volume: Entity, desired: JSON) -> Reply:
    size = int(desired["new_size"])
    status = volume.data["status"]
    if status != "available" and not (status == "in-use" and call.version >= (3, 42)):
        raise bad_request(
            f"Invalid volume: Volume {volume.id} status must be '('available',)' to extend, currently "
            f"{status}."
        )
    if size <= volume.data["size"]:
        raise bad_request(
            "Invalid input received: New size for extend must be greater than current size. "
            f"(current: {volume.data['size']}, extended: {size})."
        )
    _check_gigabytes(call, size - volume.data["size"])
    call.store.update(volume, {"status": "extending"})
    call.store.later(volume, call.world.ready_after, {"status": status, "size": size})
    return Reply(202)


def _retype(call: Call, volume: Entity, desired: JSON) -> Reply:
    kind = _type_of(call, desired["new_type"])
    status = volume.data["status"]
    if status not in ("available", "in-use"):
        raise bad_request(f"Invalid volume: Volume {volume.id} status must be available or in-use to retype.")
    call.store.update(volume, {"status": "retyping"})
    done = {"status": status, "volume_type": kind.data["name"] if kind else None}
    call.store.later(volume, call.world.ready_after, done | {"volume_type_id": kind.id if kind else None})
    return Reply(202)


def _bootable(call: Call, volume: Entity, desired: JSON) -> Reply:
    call.store.update(volume, {"bootable": str(bool(desired["bootable"])).lower()})
    return Reply(200)


def _readonly(call: Call, volume: Entity, desired: JSON) -> Reply:
    metadata = volume.data["metadata"] | {"readonly": str(bool(desired["readonly"]))}
    call.store.update(volume, {"metadata": metadata})
    return Reply(202)


def _reset(call: Call, volume: Entity, desired: JSON) -> Reply:
    demand(call, "admin", "reset_status", STYLE)
    volume.pending = None
    call.store.update(volume, {"status": desired["status"]})
    return Reply(202)


def _set_image_metadata(call: Call, volume: Entity, desired: JSON) -> Reply:
    known = volume.data.get("volume_image_metadata", {})
    call.store.update(volume, {"volume_image_metadata": known | desired["metadata"]})
    return Reply(200, {"metadata": volume.data["volume_image_metadata"]})


def _attach(call: Call, volume: Entity, desired: JSON) -> Reply:
    attach(call.world, volume, str(desired.get("instance_uuid")), str(desired.get("mountpoint", "/dev/vdb")))
    return Reply(202)


def _detach(call: Call, volume: Entity, desired: JSON) -> Reply:
    for attachment in list(volume.data["attachments"]):
        detach(call.world, volume, attachment["server_id"])
    return Reply(202)


def _force_delete(call: Call, volume: Entity, desired: JSON) -> Reply:
    call.store.update(volume, {"status": "deleting", "attachments": []})
    call.store.later(volume, call.world.ready_after, None)
    return Reply(202)


ACTIONS: dict[str, Action] = {
    "os-extend": _extend,
    "os-retype": _retype,
    "os-set_bootable": _bootable,
    "os-update_readonly_flag": _readonly,
    "os-reset_status": _reset,
    "os-set_image_metadata": _set_image_metadata,
    "os-attach": _attach,
    "os-detach": _detach,
    "os-force_delete": _force_delete,
}


def _volume_action(call: Call) -> Reply:
    demand(call, "member", "volume_action", STYLE)
    volume = fetch(VOLUMES, STYLE, call, call.params["id"])
    name, desired = next(iter(call.json().items()), ("", None))
    if name not in ACTIONS:
        raise bad_request(f"There is no such action: {name}")
    reply = ACTIONS[name](call, volume, desired if isinstance(desired, dict) else {})
    touch(STYLE, call.world, volume)
    return reply


def _metadata(verb: str, coll: Collection) -> Callable[[Call], Reply]:
    def handle(call: Call) -> Reply:
        entity = fetch(coll, STYLE, call, call.params["id"])
        known: JSON = entity.data["metadata"]
        key = call.params.get("key", "")
        if verb == "delete":
            if key not in known:
                raise not_found(f"{coll.label} {entity.id} has no metadata with key {key}.")
            call.store.update(entity, {"metadata": {k: v for k, v in known.items() if k != key}})
            return Reply(200)
        if verb in ("merge", "replace"):
            new = call.unwrap("metadata")
            call.store.update(entity, {"metadata": known | new if verb == "merge" else new})
        return Reply(200, {"metadata": entity.data["metadata"]})

    return handle


def _metadata_routes() -> list[Route]:
    verbs = (("GET", "get"), ("POST", "merge"), ("PUT", "replace"))
    routes = []
    for coll in (VOLUMES, SNAPSHOTS):
        path = f"{coll.path}/{{id}}/metadata"
        routes += [Route(method, path, _metadata(verb, coll)) for method, verb in verbs]
        routes.append(Route("DELETE", path + "/{key}", _metadata("delete", coll)))
    return routes


ROUTES = (
    *_metadata_routes(),
    Route("POST", "/volumes/{id}/action", _volume_action),
    Route("POST", "/backups/{id}/restore", _restore),
)
