"""QoS specs, and the volume types that have them."""

from __future__ import annotations

from collections.abc import Iterator

from stackd.devcloud.cinder.style import STYLE
from stackd.devcloud.cinder.types import TYPES
from stackd.devcloud.collection import Collection, Field, admin_only, demand, fetch
from stackd.devcloud.rest import texts
from stackd.devcloud.store import JSON, Entity
from stackd.devcloud.wire import Call, Reply, Route, bad_request, not_found

_OWN = frozenset({"name", "consumer"})


def _prepare(call: Call, values: JSON, private: JSON) -> None:
    """What is no field of its own is one of the specs."""
    values["specs"] = {name: values.pop(name) for name in values.keys() - _OWN}
    for name, value in values["specs"].items():
        if not isinstance(value, str):
            raise bad_request(f'Invalid input received: Value for key "{name}" is not a string or unicode')


def _types(call: Call, qos: Entity) -> Iterator[Entity]:
    return (each for each in call.store.all(TYPES.kind) if each.data["qos_specs_id"] == qos.id)


def _guard(call: Call, entity: Entity) -> None:
    if any(_types(call, entity)):
        raise bad_request("Qos specs still in use.")


SPECS = Collection(
    kind="volume.qos_specs", path="/qos-specs", singular="qos_specs", plural="qos_specs", label="QoS Specs",
    fields={"name": Field(required=True), "consumer": Field("back-end")},
    unique=(("name",),), sees=admin_only, writer="admin", lister="admin", projectless=True, create_status=200,
    methods="list create show delete", prepare=_prepare, guard=_guard,
    view=lambda call, entity: {name: entity.data[name] for name in ("id", "name", "consumer", "specs")},
)  # fmt: skip
COLLECTIONS = ((SPECS, STYLE),)


def _specs(call: Call) -> Entity:
    demand(call, "admin", "qos_specs_manage:update", STYLE)
    entity = call.store.get(SPECS.kind, call.params["id"])
    if entity is None:
        raise not_found(f"No such QoS spec {call.params['id']}.")
    return entity


def _update(call: Call) -> Reply:
    entity, asked = _specs(call), texts(call.unwrap("qos_specs"))
    specs = {name: value for name, value in asked.items() if name != "consumer"}
    consumer = asked.get("consumer", entity.data["consumer"])
    call.store.update(entity, {"consumer": consumer, "specs": entity.data["specs"] | specs})
    return Reply(200, {"qos_specs": asked})


def _delete_keys(call: Call) -> Reply:
    entity, gone = _specs(call), call.json().get("keys", [])
    for name in gone:
        if name not in entity.data["specs"]:
            raise not_found(f"QoS spec {entity.id} has no spec with key {name}.")
    kept = {name: value for name, value in entity.data["specs"].items() if name not in gone}
    call.store.update(entity, {"specs": kept})
    return Reply(202)


def _associate(call: Call) -> Reply:
    entity, volume_type = _specs(call), fetch(TYPES, STYLE, call, call.first("vol_type_id"))
    other = volume_type.data["qos_specs_id"]
    if other not in (None, entity.id):
        raise bad_request(
            f"Invalid volume type: Type {volume_type.id} is already associated with another qos specs: "
            f"{other}"
        )
    call.store.update(volume_type, {"qos_specs_id": entity.id})
    return Reply(202)


def _disassociate(call: Call) -> Reply:
    entity, volume_type = _specs(call), fetch(TYPES, STYLE, call, call.first("vol_type_id"))
    if volume_type.data["qos_specs_id"] == entity.id:
        call.store.update(volume_type, {"qos_specs_id": None})
    return Reply(202)


def _disassociate_all(call: Call) -> Reply:
    for volume_type in list(_types(call, _specs(call))):
        call.store.update(volume_type, {"qos_specs_id": None})
    return Reply(202)


def _associations(call: Call) -> Reply:
    rows = [
        {"association_type": "volume_type", "name": each.data["name"], "id": each.id}
        for each in _types(call, _specs(call))
    ]
    return Reply(200, {"qos_associations": rows})


_ONE = "/qos-specs/{id}"
ROUTES = (
    Route("PUT", _ONE, _update),
    Route("PUT", _ONE + "/delete_keys", _delete_keys),
    Route("GET", _ONE + "/associate", _associate),
    Route("GET", _ONE + "/disassociate", _disassociate),
    Route("GET", _ONE + "/disassociate_all", _disassociate_all),
    Route("GET", _ONE + "/associations", _associations),
)
