"""Trunks: ports that carry the traffic of others, their sub-ports."""

from __future__ import annotations

from collections.abc import Iterable

from stackd.devcloud.collection import Collection, Field, fetch, touch
from stackd.devcloud.neutron.style import STYLE, missing, own_or_shared
from stackd.devcloud.store import JSON, Entity
from stackd.devcloud.wire import Call, Fault, Reply, Route, bad_request, conflict, not_found

_KIND = "network.trunks"


def guard_trunk_port(call: Call, port: Entity) -> None:
    """Refuse to delete a port that is a trunk, or that one carries."""
    for trunk in call.store.all(_KIND):
        if trunk.data["port_id"] == port.id:
            raise conflict(
                f"Port {port.id} is currently a parent port for trunk {trunk.id}.", "PortInUseAsTrunkParent"
            )
        if any(each["port_id"] == port.id for each in trunk.data["sub_ports"]):
            raise conflict(
                f"Port {port.id} is currently a subport for trunk {trunk.id}.", "PortInUseAsSubPort"
            )


def _free_port(call: Call, port_id: str) -> None:
    port = call.store.get("network.ports", port_id)
    if port is None or not own_or_shared(call, port):
        raise missing("Port", port_id)
    try:
        guard_trunk_port(call, port)
    except Fault as used:
        raise conflict(f"Port {port_id} is in use by another trunk.", "TrunkPortInUse") from used


def _checked(call: Call, known: list[JSON], wanted: Iterable[JSON]) -> list[JSON]:
    """The known and the wanted sub-ports, or a refusal."""
    found = list(known)
    for each in wanted:
        _free_port(call, str(each["port_id"]))
        entry = {name: each[name] for name in ("port_id", "segmentation_type", "segmentation_id")}
        if entry["segmentation_type"] != "vlan" or not 0 < int(entry["segmentation_id"]) < 4095:
            raise bad_request(f"Invalid segmentation of subport {entry['port_id']}.", "HTTPBadRequest")
        if any(entry["segmentation_id"] == other["segmentation_id"] for other in found):
            raise conflict(
                f"segmentation_type vlan and segmentation_id {entry['segmentation_id']} already in use.",
                "DuplicateSubPort",
            )
        found.append(entry)
    return found


def _prepare(call: Call, values: JSON, private: JSON) -> None:
    _free_port(call, str(values["port_id"]))
    values["sub_ports"] = _checked(call, [], values["sub_ports"] or ())
    values |= {"status": "ACTIVE", "tags": []}


def _add(call: Call) -> Reply:
    trunk = fetch(TRUNKS, STYLE, call, call.params["id"])
    return _written(call, trunk, _checked(call, trunk.data["sub_ports"], call.json()["sub_ports"]))


def _remove(call: Call) -> Reply:
    trunk = fetch(TRUNKS, STYLE, call, call.params["id"])
    kept = {each["port_id"]: each for each in trunk.data["sub_ports"]}
    for each in call.json()["sub_ports"]:
        if kept.pop(each["port_id"], None) is None:
            raise not_found(
                f"SubPort on trunk {trunk.id} with parent port {trunk.data['port_id']} could not be found.",
                "SubPortNotFound",
            )
    return _written(call, trunk, list(kept.values()))


def _written(call: Call, trunk: Entity, sub_ports: list[JSON]) -> Reply:
    trunk.data["sub_ports"] = sub_ports
    touch(STYLE, call.world, trunk)
    return Reply(200, trunk.data)


def _shown(call: Call) -> Reply:
    return Reply(200, {"sub_ports": fetch(TRUNKS, STYLE, call, call.params["id"]).data["sub_ports"]})


TRUNKS = Collection(
    kind=_KIND, path="/trunks", singular="trunk", plural="trunks", label="Trunk",
    fields={
        "name": Field(""), "description": Field(""), "admin_state_up": Field(True),
        "port_id": Field(required=True, put=False), "sub_ports": Field([], put=False),
    },
    quota="trunks", prepare=_prepare,
)  # fmt: skip
COLLECTIONS = ((TRUNKS, STYLE),)
ROUTES = (
    Route("PUT", "/trunks/{id}/add_subports", _add),
    Route("PUT", "/trunks/{id}/remove_subports", _remove),
    Route("GET", "/trunks/{id}/get_subports", _shown),
)
