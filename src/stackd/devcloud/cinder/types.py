"""Volume types with their extra specs, access and encryption."""

from __future__ import annotations

from collections.abc import Callable

from stackd.devcloud.cinder.style import STYLE, missing
from stackd.devcloud.collection import Collection, Field, demand, fetch
from stackd.devcloud.rest import texts
from stackd.devcloud.store import JSON, Entity
from stackd.devcloud.wire import Call, Handler, Reply, Route, bad_request, conflict, not_found
from stackd.devcloud.world import World, stamp_micros

ACCESS = "os-volume-type-access:is_public"


def _prepare_type(call: Call, values: JSON, private: JSON) -> None:
    public = values[ACCESS]
    values |= {"is_public": public, ACCESS: public, "extra_specs": texts(values["extra_specs"] or {})}
    private["projects"] = set()


def _sees_type(call: Call, entity: Entity) -> bool:
    allowed = entity.data["is_public"] or call.actor.project_id in entity.private.get("projects", ())
    return allowed or call.actor.is_admin


def _change_type(call: Call, entity: Entity, changes: JSON) -> None:
    for name in [name for name, value in changes.items() if value is None]:
        del changes[name]
    if "is_public" in changes:
        changes[ACCESS] = changes["is_public"]


def _guard_type(call: Call, entity: Entity) -> None:
    if call.store.first("volume.volumes", volume_type_id=entity.id) is not None:
        raise bad_request("Target volume type is still in use.")


TYPES = Collection(
    kind="volume.types", path="/types", singular="volume_type", plural="volume_types", label="Volume type",
    fields={
        "name": Field(required=True), "description": Field(), "extra_specs": Field(),
        "is_public": Field(True, post=False), ACCESS: Field(True, put=False),
        "qos_specs_id": Field(post=False),
    },
    unique=(("name",),), sees=_sees_type, writer="admin", projectless=True, create_status=200,
    prepare=_prepare_type, change=_change_type, guard=_guard_type,
)  # fmt: skip
COLLECTIONS = ((TYPES, STYLE),)


def _type(call: Call) -> Entity:
    return fetch(TYPES, STYLE, call, call.params["id"])


def _specs(call: Call) -> Reply:
    return Reply(200, {"extra_specs": _type(call).data["extra_specs"]})


def _set_specs(call: Call) -> Reply:
    demand(call, "admin", "types_extra_specs:create", STYLE)
    entity = _type(call)
    added = texts(call.unwrap("extra_specs"))
    call.store.update(entity, {"extra_specs": entity.data["extra_specs"] | added})
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
    if entity.data["is_public"]:
        raise not_found("Access list not available for public volume types.")
    rows = [{"volume_type_id": entity.id, "project_id": item} for item in sorted(entity.private["projects"])]
    return Reply(200, {"volume_type_access": rows})


def _access_action(call: Call) -> Reply:
    demand(call, "admin", "volume_type_access", STYLE)
    entity = _type(call)
    if entity.data["is_public"]:
        raise bad_request(
            "Invalid volume type: Type access modification is not applicable to public volume type."
        )
    for name, desired in call.json().items():
        _change_access(entity, desired["project"], is_let_in=name == "addProjectAccess")
    return Reply(202)


def _change_access(entity: Entity, project: str, *, is_let_in: bool) -> None:
    projects: set[str] = entity.private["projects"]
    if is_let_in and project in projects:
        raise conflict(f"Volume type access for {entity.id} / {project} combination already exists.")
    if not is_let_in and project not in projects:
        raise not_found(f"Volume type access not found for {entity.id} / {project} combination.")
    projects ^= {project}


def _encryption(change: Callable[[Entity, JSON, World], JSON | None]) -> Handler:
    """Changes the encryption of a type that nobody uses."""

    def handle(call: Call) -> Reply:
        demand(call, "admin", "volume_type_encryption", STYLE)
        entity = _type(call)
        if call.store.first("volume.volumes", volume_type_id=entity.id) is not None:
            raise bad_request("Cannot change encryption specs. Volume type in use.")
        asked = call.unwrap("encryption") if call.body else {}
        shown = change(entity, asked, call.world)
        return Reply(202) if shown is None else Reply(200, {"encryption": shown})

    return handle


def _encrypt(entity: Entity, asked: JSON, world: World) -> JSON:
    if entity.private.get("encryption"):
        raise bad_request(f"Volume type encryption for type {entity.id} already exists.")
    if not asked.get("provider"):
        raise bad_request("Invalid input for field/attribute encryption. 'provider' is a required property")
    fresh = {
        "volume_type_id": entity.id,
        "encryption_id": world.uuid(),
        "created_at": stamp_micros(world.clock()),
    }
    entity.private["encryption"] = {"cipher": None, "key_size": None} | asked | fresh
    return dict(entity.private["encryption"])


def _encrypt_otherwise(entity: Entity, asked: JSON, world: World) -> JSON:
    _required_encryption(entity).update(asked)
    return asked


def _decrypt(entity: Entity, asked: JSON, world: World) -> None:
    _required_encryption(entity)
    del entity.private["encryption"]


def _required_encryption(entity: Entity) -> JSON:
    found: JSON | None = entity.private.get("encryption")
    if found is None:
        raise missing("Volume type encryption for type", entity.id)
    return found


def _show_encryption(call: Call) -> Reply:
    return Reply(200, _type(call).private.get("encryption", {}))


_ENCRYPTION = "/types/{id}/encryption"
ROUTES = (
    Route("GET", "/types/{id}/extra_specs", _specs),
    Route("POST", "/types/{id}/extra_specs", _set_specs),
    Route("GET", "/types/{id}/extra_specs/{key}", _spec),
    Route("PUT", "/types/{id}/extra_specs/{key}", _put_spec),
    Route("DELETE", "/types/{id}/extra_specs/{key}", _delete_spec),
    Route("GET", "/types/{id}/os-volume-type-access", _list_access),
    Route("POST", "/types/{id}/action", _access_action),
    Route("GET", _ENCRYPTION, _show_encryption),
    Route("POST", _ENCRYPTION, _encryption(_encrypt)),
    Route("PUT", _ENCRYPTION + "/{provider}", _encryption(_encrypt_otherwise)),
    Route("DELETE", _ENCRYPTION + "/{provider}", _encryption(_decrypt)),
)
