"""Attachments of a server: interfaces, volumes, metadata, tags."""

from __future__ import annotations

from stackd.devcloud.cinder.volumes import attach, detach
from stackd.devcloud.collection import demand, fetch
from stackd.devcloud.neutron.ports import release_port, set_device
from stackd.devcloud.nova import boot
from stackd.devcloud.nova.servers import SERVERS, addresses, ports_of
from stackd.devcloud.nova.style import STYLE
from stackd.devcloud.store import JSON, Entity
from stackd.devcloud.wire import Call, Handler, Reply, Route, bad_request, conflict, not_found
from stackd.devcloud.world import stamp_seconds

ATTACHED = "os-extended-volumes:volumes_attached"


def _server(call: Call, write: bool = True) -> Entity:
    demand(call, "member" if write else "reader", "servers:update", STYLE)
    server = fetch(SERVERS, STYLE, call, call.params["id"])
    if write:
        server.data["updated"] = stamp_seconds(call.world.clock())
    return server


def _interface(call: Call, server: Entity, port: Entity) -> JSON:
    shown = {
        "port_state": port.data["status"], "fixed_ips": port.data["fixed_ips"], "port_id": port.id,
        "net_id": port.data["network_id"], "mac_addr": port.data["mac_address"],
    }  # fmt: skip
    return shown | ({"tag": server.private["tags"].get(port.id)} if call.version >= (2, 70) else {})


def _interfaces(call: Call) -> Reply:
    server = _server(call, write=False)
    ports = [_interface(call, server, port) for port in ports_of(call, server.id)]
    return Reply(200, {"interfaceAttachments": ports})


def _attach_interface(call: Call) -> Reply:
    server = _server(call)
    _must_take_interfaces(server, "attach_interface")
    desired = call.json().get("interfaceAttachment") or {}
    port = boot.interface_port(call, desired, server)
    return Reply(200, {"interfaceAttachment": _interface(call, server, port)})


def _must_take_interfaces(server: Entity, verb: str) -> None:
    state, task = server.data["OS-EXT-STS:vm_state"], server.data["OS-EXT-STS:task_state"]
    if state not in ("active", "paused", "stopped"):
        raise conflict(f"Cannot '{verb}' instance {server.id} while it is in vm_state {state}")
    if task is not None:
        raise conflict(f"Cannot '{verb}' instance {server.id} while it is in task_state {task}")


def _must_stand(server: Entity, verb: str) -> None:
    state = server.data["OS-EXT-STS:vm_state"]
    if state not in ("active", "paused", "stopped", "suspended", "resized", "soft-delete"):
        raise conflict(f"Cannot '{verb}' instance {server.id} while it is in vm_state {state}")


def _port(call: Call, server: Entity) -> Entity:
    port = call.store.get("network.ports", call.params["port"])
    if port is None or port.data["device_id"] != server.id:
        raise not_found(f"Port {call.params['port']} is not attached to instance {server.id}.")
    return port


def _show_interface(call: Call) -> Reply:
    server = _server(call, write=False)
    return Reply(200, {"interfaceAttachment": _interface(call, server, _port(call, server))})


def _detach_interface(call: Call) -> Reply:
    server = _server(call)
    _must_take_interfaces(server, "detach_interface")
    port = _port(call, server)
    server.private["tags"].pop(port.id, None)
    if port.id in server.private["ports"]:
        server.private["ports"].discard(port.id)
        call.store.remove(port)
        release_port(call.world, port)
    else:
        set_device(call.world, port, "", "", "")
    return Reply(202)


def _volume_view(call: Call, server: Entity, row: JSON) -> JSON:
    shown: JSON = {"volumeId": row["id"], "serverId": server.id, "device": row["device"]}
    if call.version < (2, 89):
        shown["id"] = row["id"]
    if call.version >= (2, 70):
        shown["tag"] = row["tag"]
    if call.version >= (2, 79):
        shown["delete_on_termination"] = row["delete_on_termination"]
    if call.version >= (2, 89):
        shown |= {"attachment_id": row["attachment_id"], "bdm_uuid": row["attachment_id"]}
    return shown


def _volumes(call: Call) -> Reply:
    server = _server(call, write=False)
    rows = [_volume_view(call, server, row) for row in server.data[ATTACHED]]
    return Reply(200, {"volumeAttachments": rows})


def _attach_volume(call: Call) -> Reply:
    server = _server(call)
    _must_stand(server, "attach_volume")
    desired = call.unwrap("volumeAttachment")
    volume_id = str(desired.get("volumeId"))
    volume = call.store.get("volume.volumes", volume_id)
    if volume is None or (volume.project_id != call.actor.project_id and not call.actor.is_admin):
        raise not_found(f"Volume {volume_id} could not be found.")
    holders = [item["server_id"] for item in volume.data["attachments"]]
    if server.id in holders or (holders and not volume.data["multiattach"]):
        raise bad_request(
            f"Invalid volume: volume {volume_id} is already attached to instances: {', '.join(holders)}"
        )
    if volume.data["status"] not in ("available", "in-use"):
        raise bad_request(
            f"Invalid volume: volume '{volume_id}' status must be 'available'. Currently in "
            f"'{volume.data['status']}'"
        )
    taken = {row["device"] for row in server.data[ATTACHED]}
    free = next(
        f"/dev/vd{letter}" for letter in "bcdefghijklmnopqrstuvwxyz" if f"/dev/vd{letter}" not in taken
    )
    made = attach(call.world, volume, server.id, desired.get("device") or free)
    row = boot.attached_volume(volume, bool(desired.get("delete_on_termination")), made, desired.get("tag"))
    server.data[ATTACHED] = [*server.data[ATTACHED], row]
    volume.data["status"] = "attaching"
    call.store.later(volume, call.world.ready_after, {"status": "in-use"})
    return Reply(200, {"volumeAttachment": {"id": volume_id} | _volume_view(call, server, row)})


def _row(call: Call, server: Entity) -> JSON:
    for row in server.data[ATTACHED]:
        if row["id"] == call.params["volume"]:
            found: JSON = row
            return found
    raise not_found(f"Instance {server.id} is not attached to volume {call.params['volume']}")


def _show_volume(call: Call) -> Reply:
    server = _server(call, write=False)
    return Reply(200, {"volumeAttachment": _volume_view(call, server, _row(call, server))})


def _update_volume(call: Call) -> Reply:
    server = _server(call)
    desired = call.unwrap("volumeAttachment")
    row = _row(call, server)
    row["delete_on_termination"] = bool(desired.get("delete_on_termination", row["delete_on_termination"]))
    return Reply(202)


def _detach_volume(call: Call) -> Reply:
    server = _server(call)
    row = _row(call, server)
    volume = call.store.get("volume.volumes", row["id"])
    world = call.world

    def gone() -> None:
        server.data[ATTACHED] = [item for item in server.data[ATTACHED] if item is not row]
        if volume is not None:
            detach(world, volume, server.id)

    if volume is None:
        gone()
    else:
        if volume.data["status"] == "detaching":
            raise bad_request(f"Invalid volume: volume {volume.id} is being detached")
        call.store.update(volume, {"status": "detaching"})
        call.store.later(volume, world.ready_after, {}, gone)
    return Reply(202)


def _metadata(verb: str) -> Handler:
    def handle(call: Call) -> Reply:
        server = _server(call, write=verb not in ("all", "one"))
        known: JSON = server.data["metadata"]
        key = call.params.get("key", "")
        if verb in ("one", "drop") and key not in known:
            raise not_found("Metadata item was not found")
        if verb == "merge":
            known = known | call.unwrap("metadata")
        elif verb == "replace":
            known = call.unwrap("metadata")
        elif verb == "put":
            known = known | call.unwrap("meta")
        elif verb == "drop":
            known = {name: value for name, value in known.items() if name != key}
        server.data["metadata"] = known
        if verb == "drop":
            return Reply(204)
        return Reply(200, {"meta": {key: known[key]}} if verb in ("one", "put") else {"metadata": known})

    return handle


def _tags(verb: str) -> Handler:
    def handle(call: Call) -> Reply:
        server = _server(call, write=verb not in ("all", "one"))
        tags, tag = server.data["tags"], call.params.get("tag", "")
        if verb in ("one", "drop") and tag not in tags:
            raise not_found(f"Server {server.id} has no tag '{tag}'")
        if verb == "replace":
            server.data["tags"] = list(call.json()["tags"])
        elif verb == "add":
            server.data["tags"] = [*tags, *([] if tag in tags else [tag])]
            return Reply(204 if tag in tags else 201)
        elif verb in ("drop", "clear"):
            server.data["tags"] = [item for item in tags if verb == "drop" and item != tag]
            return Reply(204)
        return Reply(204) if verb == "one" else Reply(200, {"tags": server.data["tags"]})

    return handle


def _ips(call: Call) -> Reply:
    return Reply(200, {"addresses": addresses(call, _server(call, write=False).id)})


def _groups(call: Call) -> Reply:
    server = _server(call, write=False)
    ids = dict.fromkeys(group for port in ports_of(call, server.id) for group in port.data["security_groups"])
    found = (call.store.get("network.security_groups", group_id) for group_id in ids)
    shown = [
        {"id": g.id, "name": g.data["name"], "description": g.data["description"], "tenant_id": g.project_id,
         "rules": []}
        for g in found if g
    ]  # fmt: skip
    return Reply(200, {"security_groups": shown})


_ONE = "/servers/{id}"
ROUTES = (
    Route("GET", _ONE + "/os-interface", _interfaces),
    Route("POST", _ONE + "/os-interface", _attach_interface),
    Route("GET", _ONE + "/os-interface/{port}", _show_interface),
    Route("DELETE", _ONE + "/os-interface/{port}", _detach_interface),
    Route("GET", _ONE + "/os-volume_attachments", _volumes),
    Route("POST", _ONE + "/os-volume_attachments", _attach_volume),
    Route("GET", _ONE + "/os-volume_attachments/{volume}", _show_volume),
    Route("PUT", _ONE + "/os-volume_attachments/{volume}", _update_volume),
    Route("DELETE", _ONE + "/os-volume_attachments/{volume}", _detach_volume),
    Route("GET", _ONE + "/metadata", _metadata("all")),
    Route("POST", _ONE + "/metadata", _metadata("merge")),
    Route("PUT", _ONE + "/metadata", _metadata("replace")),
    Route("GET", _ONE + "/metadata/{key}", _metadata("one")),
    Route("PUT", _ONE + "/metadata/{key}", _metadata("put")),
    Route("DELETE", _ONE + "/metadata/{key}", _metadata("drop")),
    Route("GET", _ONE + "/tags", _tags("all")),
    Route("PUT", _ONE + "/tags", _tags("replace")),
    Route("DELETE", _ONE + "/tags", _tags("clear")),
    Route("GET", _ONE + "/tags/{tag}", _tags("one")),
    Route("PUT", _ONE + "/tags/{tag}", _tags("add")),
    Route("DELETE", _ONE + "/tags/{tag}", _tags("drop")),
    Route("GET", _ONE + "/ips", _ips),
    Route("GET", _ONE + "/os-security-groups", _groups),
)
