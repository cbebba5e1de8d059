"""Segments of networks: each network has one from the beginning, and can get more."""

from __future__ import annotations

from uuid import UUID, uuid5

from stackd.devcloud.collection import Collection, Field, admin_only
from stackd.devcloud.listing import chosen
from stackd.devcloud.neutron.style import STYLE, invalid, missing
from stackd.devcloud.store import JSON, Entity
from stackd.devcloud.wire import Call, Reply, Route, conflict
from stackd.devcloud.world import World

_KIND = "network.segments"
_FACTS = ("network_type", "physical_network", "segmentation_id")
_TUNNELS = ("vxlan", "gre", "geneve")


def _first_segment(network: Entity) -> Entity:
    """The segment that a network has from the beginning, without a name; it is a view of the network."""
    identity = str(uuid5(UUID(network.id), "segment"))
    data: JSON = {
        "id": identity, "network_id": network.id, "name": None, "description": None,
        **{name: network.data[f"provider:{name}"] for name in _FACTS},
        "created_at": network.data["created_at"], "updated_at": network.data["updated_at"],
        "revision_number": 0,
    }  # fmt: skip
    return Entity(_KIND, identity, "", data, network.created)


def _every(call: Call) -> list[Entity]:
    """All segments, those from the beginning first."""
    return [*map(_first_segment, call.store.all("network.networks")), *call.store.all(_KIND)]


def _list(call: Call) -> Reply:
    found = _every(call) if call.actor.is_admin else []
    return Reply(200, {"segments": [each.data for each in chosen(call, found, {}, SEGMENTS.fields)]})


def _show(call: Call) -> Reply:
    identity = call.params["id"]
    for each in _every(call) if call.actor.is_admin else ():
        if each.id == identity:
            return Reply(200, {"segment": each.data})
    raise missing("Segment", identity)


def remove_segments(world: World, network: Entity) -> None:
    """Nothing stays of a network that is deleted."""
    for segment in list(world.store.find(_KIND, network_id=network.id)):
        world.store.remove(segment)


def _is_same(data: JSON, values: JSON) -> bool:
    return all(data[name] == values[name] for name in _FACTS)


def _prepare(call: Call, values: JSON, private: JSON) -> None:
    if call.store.get("network.networks", str(values["network_id"])) is None:
        raise missing("Network", str(values["network_id"]))
    kind, physical, number = (values[name] for name in _FACTS)
    if kind in ("flat", "vlan") and not physical:
        raise invalid(f"physical_network required for {kind} provider network")
    if kind in _TUNNELS and physical:
        raise invalid(f"provider:physical_network specified for {kind} network")
    if number is None and kind in (*_TUNNELS, "vlan"):
        values["segmentation_id"] = call.world.random.randrange(1, 4094 if kind == "vlan" else 16000)
    elif number is not None and any(_is_same(each.data, values) for each in _every(call)):
        raise conflict(
            f"Unable to create the network. The segment {number} on physical network {physical} is in use.",
            "VlanIdInUse" if kind == "vlan" else "TunnelIdInUse",
        )


def _guard(call: Call, entity: Entity) -> None:
    used = call.store.first("network.subnets", segment_id=entity.id)
    if used is not None:
        raise conflict(
            f"Segment '{entity.id}' cannot be deleted: The segment is still associated with subnet(s) "
            f"{used.id}.",
            "SegmentInUse",
        )


SEGMENTS = Collection(
    kind=_KIND, path="/segments", singular="segment", plural="segments", label="Segment",
    fields={
        "network_id": Field(required=True, put=False), "network_type": Field(required=True, put=False),
        "physical_network": Field(put=False), "segmentation_id": Field(put=False), "name": Field(),
        "description": Field(),
    },
    indexes=("network_id",), writer="admin", sees=admin_only, prepare=_prepare, guard=_guard,
    projectless=True, methods="create update delete",
)  # fmt: skip
COLLECTIONS = ((SEGMENTS, STYLE),)
ROUTES = (Route("GET", "/segments", _list), Route("GET", "/segments/{id}", _show))
