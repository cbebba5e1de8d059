"""Network cards of machines."""

from __future__ import annotations

from typing import Final

from stackd.devcloud.collection import Collection, Field, admin_only, check_unique, demand, fetch, touch
from stackd.devcloud.ironic.nodes import NODES, PORTGROUPS, PORTS
from stackd.devcloud.ironic.style import STYLE, checked_address, links, patched, refuse_unknown, require
from stackd.devcloud.store import JSON, Entity
from stackd.devcloud.wire import Call, Reply, Route, bad_request

_FIELDS: Final = {
    "address": Field(), "node_uuid": Field(), "portgroup_uuid": Field(), "local_link_connection": Field({}),
    "pxe_enabled": Field(True), "physical_network": Field(), "extra": Field({}), "is_smartnic": Field(False),
}  # fmt: skip
_MANDATORY: Final = frozenset({"address", "node_uuid"})
_LINK: Final = {False: frozenset({"switch_id", "port_id"}), True: frozenset({"port_id", "hostname"})}
"""The keys that a connection must have, of a card that does not switch by itself, and of one that does."""


def _prepare(call: Call, values: JSON, private: JSON) -> None:
    refuse_unknown(values, _FIELDS, "port")
    require(values, "port", *sorted(_MANDATORY))
    _check(call, values)
    values["internal_info"] = {}


def _check(call: Call, values: JSON) -> None:
    """What a port refers to exists, and what it is connected to is complete."""
    values["address"] = checked_address(values["address"])
    if call.store.get(NODES.kind, values["node_uuid"]) is None:
        raise bad_request(f"Node {values['node_uuid']} could not be found.")
    if (group_id := values["portgroup_uuid"]) is not None:
        group = call.store.get(PORTGROUPS.kind, group_id)
        if group is None:
            raise bad_request(f"Portgroup {group_id} could not be found.")
        if group.data["node_uuid"] != values["node_uuid"]:
            raise bad_request(f"Portgroup {group_id} belongs to another node.")
    link = values["local_link_connection"] or {}
    if link and (lacking := sorted(_LINK[bool(values["is_smartnic"])] - link.keys())):
        raise bad_request(f"Missing mandatory keys in local_link_connection: {', '.join(lacking)}.")


def _view(call: Call, port: Entity) -> JSON:
    return port.data | {"links": links(call, PORT_COLLECTION, port)}


def _brief(call: Call, port: Entity) -> JSON:
    return {"uuid": port.id, "address": port.data["address"], "links": links(call, PORT_COLLECTION, port)}


PORT_COLLECTION: Final = Collection(
    kind=PORTS, path="/ports", singular="", plural="ports", label="Port", fields=_FIELDS,
    indexes=("node_uuid", "address"), unique=(("address",),), id_field="uuid", sees=admin_only,
    writer="admin", lister="admin", projectless=True, methods="list create show delete", detail=True,
    prepare=_prepare, view=_view, brief=_brief,
)  # fmt: skip


def _update(call: Call) -> Reply:
    demand(call, "admin", "port:update", STYLE)
    port = fetch(PORT_COLLECTION, STYLE, call, call.params["id"])
    changes = patched(call, port, _FIELDS, _MANDATORY)
    now = {name: port.data[name] for name in _FIELDS} | changes
    _check(call, now)
    check_unique(PORT_COLLECTION, STYLE, call, now, port)
    call.store.update(port, now)
    touch(STYLE, call.world, port)
    return Reply(200, _view(call, port))


ROUTES: Final = (Route("PATCH", "/ports/{id}", _update),)
