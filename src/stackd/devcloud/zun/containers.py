"""Containers, which run as long as nobody stops them: there is no command that ends."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from stackd.devcloud.cinder.style import STYLE as CINDER
from stackd.devcloud.cinder.volumes import VOLUMES, attach, detach
from stackd.devcloud.collection import (
    Collection,
    Field,
    check_quota,
    create,
    demand,
    fetch,
    listing,
    own,
    touch,
)
from stackd.devcloud.store import JSON, Entity
from stackd.devcloud.wire import Call, Fault, Handler, Reply, Route, bad_request, not_found
from stackd.devcloud.world import World
from stackd.devcloud.zun.networks import addresses, bind, connect, let_go
from stackd.devcloud.zun.style import STYLE, checked, over_quota, refuse_unknown_filters, wrong, wrong_state

Mounted = tuple[str, bool, str]
"""The id of the volume of a mount, whether it was made for it, and its path."""

_ALIVE: Final = ("Created", "Running", "Stopped", "Paused")
_DELETABLE: Final = ("Created", "Error", "Stopped", "Deleted", "Dead")
_STATES: Final[Mapping[str, tuple[tuple[str, ...], str]]] = {
    "start": (("Created", "Stopped", "Error"), "Running"),
    "stop": (("Running",), "Stopped"),
    "reboot": (("Created", "Running", "Stopped", "Error"), "Running"),
    "pause": (("Running",), "Paused"),
    "unpause": (("Paused",), "Running"),
    "kill": (("Running",), "Stopped"),
}
"""The statuses in which something can be done to a container, and the one to which it leads."""

_UPDATED: Final = frozenset({"name", "cpu", "memory", "auto_heal"})
_SIZES: Final = {"zun_cpu": "cpu", "zun_memory": "memory"}
"""Quotas for the sums of fields."""


def _prepare(call: Call, values: JSON, private: JSON) -> None:
    checked(values, FIELDS)
    if not values["image"]:
        raise wrong("image", values["image"], "It is a required property")
    values["name"] = values["name"] or f"zeta-{call.world.random.randint(1, 99)}-container"
    values["cpu"] = 1.0 if values["cpu"] is None else float(values["cpu"])
    values["memory"] = "512" if values["memory"] is None else str(values["memory"])
    check_quota(CONTAINERS, STYLE, call, call.actor.project_id)
    _check_sizes(call, values)
    hints, nets, wanted = (values.pop(name) for name in ("hints", "nets", "mounts"))
    private["hints"] = hints or {}
    volumes = [_mounted(call, mount) for mount in wanted or ()]
    try:
        ports, made = connect(call, nets or [], values["security_groups"] or [])
    except Fault:
        _forget_made(call.world, volumes)
        raise
    private |= {"attached": [port.id for port in ports], "made": made, "volumes": volumes}
    groups = {group for port in ports for group in port.data["security_groups"]}
    values |= {
        "security_groups": sorted(groups), "status": "Creating", "status_reason": None, "task_state": None,
        "image_driver": values["image_driver"] or "docker", "user_id": call.actor.user_id, "host": "dev",
        "addresses": addresses(ports, made), "status_detail": None, "ports": [],
        "labels": values["labels"] or {}, "environment": values["environment"] or {},
    }  # fmt: skip


def _check_sizes(call: Call, values: Mapping[str, object], but: Entity | None = None) -> None:
    """Refuse more CPUs or memory than the project may have in all."""
    mine = [
        each for each in call.store.all(CONTAINERS.kind)
        if each.project_id == call.actor.project_id and each is not but
    ]  # fmt: skip
    for quota, name in _SIZES.items():
        limit = call.world.quota(call.actor.project_id, quota)
        wanted = sum(float(each.data[name]) for each in mine) + float(str(values[name]))
        if 0 <= limit < wanted:
            raise over_quota(quota, limit)


def _mounted(call: Call, mount: JSON) -> Mounted:
    path = mount.get("destination")
    if not path or not (mount.get("source") or mount.get("size")):
        raise wrong("mounts", mount, "source or size, and destination, are required properties")
    if not mount.get("source"):
        made = create(VOLUMES, CINDER, call, {"size": int(mount["size"]), "name": ""})
        return made.id, True, path
    wanted = str(mount["source"])
    volume = call.store.get(VOLUMES.kind, wanted) or call.store.first(VOLUMES.kind, name=wanted)
    if volume is None or not own(call, volume):
        raise not_found(f"Volume {wanted} could not be found.", "volume-not-found")
    if volume.data["attachments"] and not volume.data["multiattach"]:
        raise bad_request(f"Volume {volume.id} is still in use.", "volume-in-use")
    return volume.id, False, path


def _created(call: Call, container: Entity) -> None:
    """What the container needs is its own now; it is made, and then, if that was asked for, started."""
    world, store = call.world, call.store
    for identity in container.private["attached"]:
        if (port := store.get("network.ports", identity)) is not None:
            bind(world, port, container.id)
    for identity, _, path in container.private["volumes"]:
        if (volume := store.get(VOLUMES.kind, identity)) is not None:
            attach(world, volume, container.id, path)
    missing = container.data["image_driver"] == "glance" and not _has_image(call, container.data["image"])
    if missing:
        reason = f"Image {container.data['image']} could not be found."
        store.later(container, world.ready_after, {"status": "Error", "status_reason": reason})
        return
    half, runs_at = world.ready_after / 2, world.clock() + world.ready_after

    def start() -> None:
        left = max(runs_at - world.clock(), 0.0)
        store.later(container, left, {"status": "Running"}, lambda: touch(STYLE, world, container))

    runs = call.first("run").lower() in ("true", "1", "yes")
    store.later(container, half, {"status": "Created"}, start if runs else None)


def _has_image(call: Call, wanted: str) -> bool:
    kind = "image.images"
    return call.store.get(kind, wanted) is not None or call.store.first(kind, name=wanted) is not None


def release(world: World, container: Entity) -> None:
    """Let go what belonged to a container that is deleted."""
    for identity in container.private["attached"]:
        if (port := world.store.get("network.ports", identity)) is not None:
            let_go(world, port, container.private["made"])
    for identity, goes, _ in container.private["volumes"]:
        if not goes and (volume := world.store.get(VOLUMES.kind, identity)) is not None:
            detach(world, volume, container.id)
    _forget_made(world, container.private["volumes"])


def _forget_made(world: World, volumes: list[Mounted]) -> None:
    """Remove the volumes that were made for a container."""
    for identity, goes, _ in volumes:
        if goes and (volume := world.store.get(VOLUMES.kind, identity)) is not None:
            world.store.remove(volume)


def _view(call: Call, container: Entity) -> JSON:
    href = f"{call.base}/containers/{container.id}"
    links = [{"rel": "self", "href": href}, {"rel": "bookmark", "href": href.replace("/v1", "")}]
    return container.data | {"links": links}


FIELDS: Final = {
    "name": Field(), "image": Field(), "command": Field([]), "cpu": Field(), "memory": Field(),
    "workdir": Field(), "labels": Field({}), "environment": Field({}), "restart_policy": Field(),
    "interactive": Field(False), "tty": Field(False), "image_driver": Field(), "image_pull_policy": Field(),
    "security_groups": Field([]), "hints": Field(), "mounts": Field(), "nets": Field(), "hostname": Field(),
    "auto_remove": Field(False), "runtime": Field(), "disk": Field(0), "auto_heal": Field(False),
    "privileged": Field(False), "healthcheck": Field(), "cpu_policy": Field("shared"), "entrypoint": Field(),
}  # fmt: skip
CONTAINERS: Final = Collection(
    kind="container.containers", path="/containers", singular="", plural="containers", label="Container",
    fields=FIELDS, indexes=("name",), quota="zun_containers", id_field="uuid", methods="create show",
    create_status=202, broken={"status": "Error", "status_reason": "The container cannot be made."},
    prepare=_prepare, created=_created, release=release, view=_view,
)  # fmt: skip


def _list(call: Call) -> Reply:
    demand(call, "reader", "container:get_all", STYLE)
    refuse_unknown_filters(call)
    return Reply(200, listing(CONTAINERS, STYLE, call, _view))


def found(call: Call, action: str) -> Entity:
    """The container that a call is about, if the caller may do this to it."""
    demand(call, CONTAINERS.writer, f"container:{action}", STYLE)
    return fetch(CONTAINERS, STYLE, call, call.params["id"])


def _patch(call: Call) -> Reply:
    container, changes = found(call, "update"), call.json()
    if container.data["status"] not in _ALIVE:
        raise wrong_state(container, "update")
    checked(changes, dict.fromkeys(_UPDATED))
    for name, convert in (("cpu", float), ("memory", str)):
        if name in changes:
            changes[name] = convert(changes[name])
    _check_sizes(call, container.data | changes, container)
    call.store.update(container, changes)
    touch(STYLE, call.world, container)
    return Reply(200, _view(call, container))


def _delete(call: Call) -> Reply:
    container = found(call, "delete")
    stops = call.first("stop", "false").lower() in ("true", "1", "yes")
    if call.first("force", "false").lower() in ("true", "1", "yes"):
        demand(call, "admin", "container:delete_force", STYLE)
    elif container.data["status"] not in (*_DELETABLE, *(("Running",) if stops else ())):
        raise wrong_state(container, "delete_after_stop" if stops else "delete")
    call.store.update(container, {"status": "Deleting", "task_state": "container_deleting"})
    touch(STYLE, call.world, container)
    call.store.later(container, call.world.ready_after, None, lambda: release(call.world, container))
    return Reply(204)


def _doing(action: str) -> Handler:
    """The handler that does something to a container, which takes its time."""
    states, leads_to = _STATES[action]

    def handle(call: Call) -> Reply:
        container = found(call, action)
        if container.data["status"] not in states:
            raise wrong_state(container, action)
        call.store.update(container, {"task_state": f"container_{action}"})
        changes = {"status": leads_to, "task_state": None}
        call.store.later(
            container, call.world.ready_after, changes, lambda: touch(STYLE, call.world, container)
        )
        return Reply(202)

    return handle


_ONE: Final = f"{CONTAINERS.path}/{{id}}"
ROUTES: Final = (
    Route("GET", CONTAINERS.path, _list),
    Route("PATCH", _ONE, _patch),
    Route("DELETE", _ONE, _delete),
    *(Route("POST", f"{_ONE}/{action}", _doing(action)) for action in _STATES),
)
