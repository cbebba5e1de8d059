"""Machines, and groups of their ports. Two machines are there from the start."""

from __future__ import annotations

from typing import Final

from stackd.devcloud.collection import Collection, Field, admin_only
from stackd.devcloud.ironic.style import STYLE, checked_address, links, refuse_unknown, require
from stackd.devcloud.store import JSON, Entity
from stackd.devcloud.wire import Call, bad_request
from stackd.devcloud.world import World

PORTS: Final = "baremetal.ports"
_GROUPS: Final = "baremetal.portgroups"
_MACHINES: Final = ("metal-1", "metal-2")
_NODE_FIELDS: Final = {
    "name": Field(), "driver": Field(), "driver_info": Field({}), "properties": Field({}), "extra": Field({}),
    "resource_class": Field(),
}  # fmt: skip
_GROUP_FIELDS: Final = {
    "node_uuid": Field(), "name": Field(), "address": Field(), "extra": Field({}),
    "mode": Field("active-backup"), "properties": Field({}), "standalone_ports_supported": Field(True),
}  # fmt: skip
_IDLE: Final = {
    "provision_state": "available", "power_state": "power off", "maintenance": False, "instance_uuid": None,
}  # fmt: skip


def _prepare_node(call: Call, values: JSON, private: JSON) -> None:
    refuse_unknown(values, _NODE_FIELDS, "node")
    require(values, "node", "driver")
    _check_name(call, NODES, values["name"])
    values |= _IDLE | {"provision_state": "enroll"}


def _check_name(call: Call, coll: Collection, name: str | None) -> None:
    """Names, where there are any, are unique."""
    if name is not None and call.store.first(coll.kind, name=name) is not None:
        raise STYLE.duplicate(coll.label, name)


def _release_node(world: World, node: Entity) -> None:
    """The ports and groups of a machine go with it."""
    for kind in (PORTS, _GROUPS):
        for each in list(world.store.find(kind, node_uuid=node.id)):
            world.store.remove(each)


def _prepare_group(call: Call, values: JSON, private: JSON) -> None:
    refuse_unknown(values, _GROUP_FIELDS, "portgroup")
    require(values, "portgroup", "node_uuid")
    _check_name(call, PORTGROUPS, values["name"])
    if call.store.get(NODES.kind, values["node_uuid"]) is None:
        raise bad_request(f"Node {values['node_uuid']} could not be found.")
    if values["address"] is not None:
        values["address"] = checked_address(values["address"])


def _view_node(call: Call, node: Entity) -> JSON:
    return node.data | {"links": links(call, NODES, node)}


def _view_group(call: Call, group: Entity) -> JSON:
    return group.data | {"links": links(call, PORTGROUPS, group)}


NODES: Final = Collection(
    kind="baremetal.nodes", path="/nodes", singular="", plural="nodes", label="Node", fields=_NODE_FIELDS,
    id_field="uuid", sees=admin_only, writer="admin", lister="admin", projectless=True,
    methods="list create show delete", detail=True, prepare=_prepare_node, release=_release_node,
    view=_view_node, brief=_view_node,
)  # fmt: skip
PORTGROUPS: Final = Collection(
    kind=_GROUPS, path="/portgroups", singular="", plural="portgroups", label="Portgroup",
    fields=_GROUP_FIELDS, id_field="uuid", sees=admin_only, writer="admin",
    lister="admin", projectless=True, methods="list create show delete", detail=True, prepare=_prepare_group,
    view=_view_group, brief=_view_group,
)  # fmt: skip


def seed(world: World) -> None:
    """Make the machines."""
    for name in _MACHINES:
        node_id = world.named_id("baremetal", name)
        values = {each: field.default for each, field in _NODE_FIELDS.items()}
        data = {"uuid": node_id, **values, "name": name, "driver": "fake-hardware", **_IDLE}
        world.store.add(NODES.kind, node_id, "", data | {"created_at": None, "updated_at": None})
