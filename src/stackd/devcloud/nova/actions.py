"""Actions on servers: a table of state changes, and a few special actions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from stackd.devcloud.collection import demand, fetch, own
from stackd.devcloud.nova import boot, flavors
from stackd.devcloud.nova.servers import SERVERS, ports_of, start_delete, view
from stackd.devcloud.nova.style import STYLE
from stackd.devcloud.store import JSON, Entity
from stackd.devcloud.wire import Call, Reply, Route, bad_request, conflict, not_found
from stackd.devcloud.world import stamp_seconds

Action = Callable[[Call, Entity, JSON], Reply]


@dataclass(frozen=True, slots=True)
class Shift:
    """A change of state that an action begins."""

    verb: str
    """The name of the action in messages."""

    allowed: tuple[str, ...]
    """The vm_states in which it may begin."""

    meanwhile: str
    """The status until it is done; empty to keep the present one."""

    status: str
    vm_state: str
    power: int
    reply: int = 202


SHIFTS = {
    "reboot": Shift(
        "reboot", ("active", "stopped", "paused", "suspended", "error"), "REBOOT", "ACTIVE", "active", 1
    ),
    "os-start": Shift("start", ("stopped",), "", "ACTIVE", "active", 1),
    "os-stop": Shift("stop", ("active", "error"), "", "SHUTOFF", "stopped", 4),
    "suspend": Shift("suspend", ("active",), "", "SUSPENDED", "suspended", 4),
    "resume": Shift("resume", ("suspended",), "", "ACTIVE", "active", 1),
    "pause": Shift("pause", ("active",), "", "PAUSED", "paused", 3),
    "unpause": Shift("unpause", ("paused",), "", "ACTIVE", "active", 1),
    "rescue": Shift("rescue", ("active", "stopped", "error"), "", "RESCUE", "rescued", 1, 200),
    "unrescue": Shift("unrescue", ("rescued",), "", "ACTIVE", "active", 1),
    "shelve": Shift("shelve", ("active", "stopped"), "", "SHELVED_OFFLOADED", "shelved_offloaded", 4),
    "unshelve": Shift("unshelve", ("shelved", "shelved_offloaded"), "", "ACTIVE", "active", 1),
    "confirmResize": Shift("confirmResize", ("resized",), "", "ACTIVE", "active", 1, 204),
    "revertResize": Shift("revertResize", ("resized",), "REVERT_RESIZE", "ACTIVE", "active", 1),
    "resize": Shift("resize", ("active", "stopped"), "RESIZE", "VERIFY_RESIZE", "resized", 1),
    "rebuild": Shift("rebuild", ("active", "stopped", "error"), "REBUILD", "ACTIVE", "active", 1),
}


def check_state(server: Entity, shift: Shift) -> None:
    """Refuse an action in a wrong state, or while another is in progress."""
    state, task = server.data["OS-EXT-STS:vm_state"], server.data["OS-EXT-STS:task_state"]
    if state not in shift.allowed:
        raise conflict(f"Cannot '{shift.verb}' instance {server.id} while it is in vm_state {state}")
    if task is not None:
        raise conflict(f"Cannot '{shift.verb}' instance {server.id} while it is in task_state {task}")


def begin(call: Call, server: Entity, shift: Shift, changes: JSON | None = None) -> Reply:
    """Start a change of state, with other changes when it is done."""
    working: JSON = {"OS-EXT-STS:task_state": shift.verb}
    if shift.meanwhile:
        working["status"] = shift.meanwhile
    call.store.update(server, working)
    done: JSON = {
        "status": shift.status, "OS-EXT-STS:vm_state": shift.vm_state, "OS-EXT-STS:task_state": None,
        "OS-EXT-STS:power_state": shift.power,
    }  # fmt: skip
    call.store.later(server, call.world.ready_after, done | (changes or {}))
    call.touched.append(server)
    return Reply(shift.reply)


def _as_before(server: Entity, shift: Shift) -> Shift:
    """A change of state that leaves a server stopped which was stopped when it, or its resize, began."""
    stopped = SHIFTS["os-stop"]
    if server.private.get("was_stopped"):
        return replace(shift, status=stopped.status, vm_state=stopped.vm_state, power=stopped.power)
    return shift


def _note_whether_stopped(server: Entity) -> None:
    server.private["was_stopped"] = server.data["OS-EXT-STS:vm_state"] == "stopped"


def _confirm(call: Call, server: Entity, desired: JSON) -> Reply:
    check_state(server, SHIFTS["confirmResize"])
    return begin(call, server, _as_before(server, SHIFTS["confirmResize"]))


def _simple(name: str) -> Action:
    shift = SHIFTS[name]

    def action(call: Call, server: Entity, desired: JSON) -> Reply:
        check_state(server, shift)
        return begin(call, server, shift)

    return action


def _resize(call: Call, server: Entity, desired: JSON) -> Reply:
    check_state(server, SHIFTS["resize"])
    flavor_id = str(desired.get("flavorRef"))
    flavor = call.store.get(flavors.KIND, flavor_id)
    if flavor is None or not flavors.sees(call, flavor):
        raise bad_request(f"Flavor {flavor_id} could not be found.")
    if flavor_id == server.data["flavor"]:
        raise bad_request("When resizing, instances must change flavor!")
    old = server.private["flavor"]
    growth = {name: flavor.data[size] - old.data[size] for name, size in boot.SIZES.items()}
    boot.check_quota(call, server.project_id, growth)
    _note_whether_stopped(server)
    server.private |= {"old_flavor": old, "flavor": flavor}
    return begin(call, server, SHIFTS["resize"], {"flavor": flavor_id})


def _revert(call: Call, server: Entity, desired: JSON) -> Reply:
    check_state(server, SHIFTS["revertResize"])
    server.private["flavor"] = old = server.private["old_flavor"]
    return begin(call, server, _as_before(server, SHIFTS["revertResize"]), {"flavor": old.id})


def _rebuild(call: Call, server: Entity, desired: JSON) -> Reply:
    check_state(server, SHIFTS["rebuild"])
    image = call.store.get("image.images", str(desired.get("imageRef")))
    if image is None:
        raise bad_request(f"Cannot find image {desired.get('imageRef')}.")
    changes: JSON = {"image": image.id}
    for name in ("name", "description", "key_name", "metadata"):
        if name in desired:
            changes[name] = desired[name]
    if "user_data" in desired:
        changes["OS-EXT-SRV-ATTR:user_data"] = desired["user_data"]
    _note_whether_stopped(server)
    begin(call, server, _as_before(server, SHIFTS["rebuild"]), changes)
    password = desired.get("adminPass") or call.world.hex_id()[:12]
    return Reply(202, {"server": view(call, server) | {"adminPass": password}})


def _create_image(call: Call, server: Entity, desired: JSON) -> Reply:
    image_id = call.world.uuid()
    now = stamp_seconds(call.world.clock())
    data: JSON = {
        "id": image_id, "name": desired.get("name"), "disk_format": "raw", "container_format": "bare",
        "visibility": "private", "size": 1024, "virtual_size": 1024, "status": "queued", "checksum": None,
        "protected": False, "min_ram": 0, "min_disk": server.private["flavor"].data["disk"],
        "owner": call.actor.project_id, "os_hidden": False, "os_hash_algo": None, "os_hash_value": None,
        "created_at": now, "updated_at": now, "tags": [], "instance_uuid": server.id,
        "image_type": "snapshot",
        **(desired.get("metadata") or {}),
    }  # fmt: skip
    image = call.store.add(
        "image.images", image_id, call.actor.project_id, data, {"data": b"", "members": {}}
    )
    call.store.later(image, call.world.ready_after, {"status": "active"})
    call.store.update(server, {"OS-EXT-STS:task_state": "image_snapshot"})
    call.store.later(server, call.world.ready_after, {"OS-EXT-STS:task_state": None})
    location = {"location": f"{call.world.base_url}/image/v2/images/{image_id}"}
    return Reply(202, {"image_id": image_id} if call.version >= (2, 45) else None, location)


def _console_output(call: Call, server: Entity, desired: JSON) -> Reply:
    lines = [f"{server.data['name']} login: ", "dev cloud console"]
    return Reply(200, {"output": "\n".join(lines)})


def _console(kind: str) -> Action:
    def action(call: Call, server: Entity, desired: JSON) -> Reply:
        url = f"{call.world.base_url}/console?token={call.world.uuid()}"
        return Reply(200, {"console": {"type": desired.get("type", kind), "url": url}})

    return action


def _force_delete(call: Call, server: Entity, desired: JSON) -> Reply:
    start_delete(call, server)
    return Reply(202)


def _reset_state(call: Call, server: Entity, desired: JSON) -> Reply:
    demand(call, "admin", "os-admin-actions:reset_state", STYLE)
    server.pending = None
    state = str(desired.get("state"))
    call.store.update(server, boot.BROKEN if state == "error" else boot.READY)
    return Reply(202)


def _lock(locked: bool) -> Action:
    def action(call: Call, server: Entity, desired: JSON) -> Reply:
        call.store.update(server, {"locked": locked, "locked_reason": desired.get("locked_reason")})
        return Reply(202)

    return action


def _security_group(add: bool) -> Action:
    def action(call: Call, server: Entity, desired: JSON) -> Reply:
        name = str(desired.get("name"))
        found = call.store.get("network.security_groups", name) or next(
            (group for group in call.store.find("network.security_groups", name=name) if own(call, group)),
            None,
        )
        if found is None:
            raise not_found(f"Security group {name} not found for project {call.actor.project_id}.")
        for port in ports_of(call, server.id):
            groups = [item for item in port.data["security_groups"] if item != found.id]
            call.store.update(port, {"security_groups": [*groups, found.id] if add else groups})
        return Reply(202)

    return action


def _accepted(call: Call, server: Entity, desired: JSON) -> Reply:
    return Reply(202)


ACTIONS: dict[str, Action] = {
    **{name: _simple(name) for name in SHIFTS},
    "resize": _resize,
    "confirmResize": _confirm,
    "revertResize": _revert,
    "rebuild": _rebuild,
    "createImage": _create_image,
    "os-getConsoleOutput": _console_output,
    "os-getVNCConsole": _console("novnc"),
    "os-getSPICEConsole": _console("spice-html5"),
    "os-getSerialConsole": _console("serial"),
    "forceDelete": _force_delete,
    "os-resetState": _reset_state,
    "lock": _lock(locked=True),
    "unlock": _lock(locked=False),
    "addSecurityGroup": _security_group(add=True),
    "removeSecurityGroup": _security_group(add=False),
    "changePassword": _accepted,
    "trigger_crash_dump": _accepted,
}


def _action(call: Call) -> Reply:
    demand(call, "member", "servers:action", STYLE)
    server = fetch(SERVERS, STYLE, call, call.params["id"])
    body = call.json()
    name = next(iter(body), "")
    if name not in ACTIONS:
        raise bad_request(f"There is no such action: {name}")
    desired = body[name]
    return ACTIONS[name](call, server, desired if isinstance(desired, dict) else {})


def _remote_console(call: Call) -> Reply:
    demand(call, "member", "os-remote-consoles", STYLE)
    fetch(SERVERS, STYLE, call, call.params["id"])
    desired = call.unwrap("remote_console")
    url = f"{call.world.base_url}/console?token={call.world.uuid()}"
    return Reply(
        200, {"remote_console": {"protocol": desired["protocol"], "type": desired["type"], "url": url}}
    )


def _delete(call: Call) -> Reply:
    demand(call, "member", "servers:delete", STYLE)
    server = fetch(SERVERS, STYLE, call, call.params["id"])
    if server.data["locked"] and not call.actor.is_admin:
        raise conflict(f"Instance {server.id} is locked")
    if server.data["OS-EXT-STS:task_state"] != "deleting":
        start_delete(call, server)
    return Reply(204)


ROUTES = (
    Route("POST", "/servers", boot.boot),
    Route("DELETE", "/servers/{id}", _delete),
    Route("POST", "/servers/{id}/action", _action),
    Route("POST", "/servers/{id}/remote-consoles", _remote_console),
)
