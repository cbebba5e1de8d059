"""Servers: how they are shown, listed and deleted. `boot` makes them."""

from __future__ import annotations

import re

from stackd.devcloud.cinder.volumes import detach
from stackd.devcloud.collection import Collection, Field
from stackd.devcloud.listing import same
from stackd.devcloud.neutron.ports import release_port, set_device
from stackd.devcloud.nova import boot, flavors
from stackd.devcloud.nova.style import STYLE
from stackd.devcloud.store import JSON, Entity
from stackd.devcloud.wire import Call
from stackd.devcloud.world import World

ADMIN_FIELDS = (
    "OS-EXT-SRV-ATTR:host",
    "OS-EXT-SRV-ATTR:instance_name",
    "OS-EXT-SRV-ATTR:hypervisor_hostname",
)
SINCE = {
    "OS-EXT-SRV-ATTR:hostname": (2, 3), "OS-EXT-SRV-ATTR:kernel_id": (2, 3),
    "OS-EXT-SRV-ATTR:launch_index": (2, 3), "OS-EXT-SRV-ATTR:ramdisk_id": (2, 3),
    "OS-EXT-SRV-ATTR:reservation_id": (2, 3), "OS-EXT-SRV-ATTR:root_device_name": (2, 3),
    "OS-EXT-SRV-ATTR:user_data": (2, 3), "locked": (2, 9), "host_status": (2, 16), "description": (2, 19),
    "tags": (2, 26), "trusted_image_certificates": (2, 63), "server_groups": (2, 71), "locked_reason": (2,
    73),
}  # fmt: skip
"""Fields by the microversion that introduced them."""

ADMIN_SINCE = frozenset(name for name in SINCE if name.startswith("OS-EXT-SRV-ATTR") or name == "host_status")


def links(call: Call, server_id: str) -> list[JSON]:
    """The URL of a server."""
    root = call.base.removesuffix("/v2.1")
    return [
        {"rel": "self", "href": f"{call.base}/servers/{server_id}"},
        {"rel": "bookmark", "href": f"{root}/servers/{server_id}"},
    ]


def ports_of(call: Call, server_id: str) -> list[Entity]:
    """The ports of a server, oldest first."""
    return list(call.store.find("network.ports", device_id=server_id))


def addresses(call: Call, server_id: str) -> JSON:
    """Addresses of a server by the name of the network."""
    found: JSON = {}
    for port in ports_of(call, server_id):
        network = call.store.get("network.networks", port.data["network_id"])
        name = network.data["name"] if network else port.data["network_id"]
        entries = found.setdefault(name, [])
        mac = port.data["mac_address"]
        fixed = [(item["ip_address"], "fixed") for item in port.data["fixed_ips"]]
        floating = call.store.find("network.floatingips", port_id=port.id)
        fixed += [(item.data["floating_ip_address"], "floating") for item in floating]
        entries += [
            {
                "version": 6 if ":" in text else 4, "addr": text, "OS-EXT-IPS:type": kind,
                "OS-EXT-IPS-MAC:mac_addr": mac,
            }
            for text, kind in fixed
        ]  # fmt: skip
    return found


def view(call: Call, entity: Entity) -> JSON:
    """A server as the caller's microversion and role show it."""
    shown = dict(entity.data)
    version, admin = call.version, call.actor.is_admin
    for name, since in SINCE.items():
        if version < since or (name in ADMIN_SINCE and not admin):
            shown.pop(name, None)
    if not admin:
        for name in ADMIN_FIELDS:
            shown.pop(name, None)
    shown["addresses"] = addresses(call, entity.id)
    shown["links"] = links(call, entity.id)
    flavor = call.store.get(flavors.KIND, shown["flavor"])
    shown["flavor"] = flavors.embedded(call, flavor or entity.private["flavor"])
    if image_id := shown["image"]:
        href = f"{call.base.removesuffix('/v2.1')}/images/{image_id}"
        shown["image"] = {"id": image_id, "links": [{"rel": "bookmark", "href": href}]}
    groups = {
        name for port in ports_of(call, entity.id) for group_id in port.data["security_groups"]
        if (name := _group_name(call, group_id))
    }  # fmt: skip
    if groups:
        shown["security_groups"] = [{"name": name} for name in sorted(groups)]
    if shown["status"] != "ERROR":
        shown.pop("fault", None)
    if version < (2, 3):
        shown["os-extended-volumes:volumes_attached"] = [
            {"id": volume["id"]} for volume in shown["os-extended-volumes:volumes_attached"]
        ]
    return shown


def _group_name(call: Call, group_id: str) -> str:
    group = call.store.get("network.security_groups", group_id)
    return str(group.data["name"]) if group else ""


def _brief(call: Call, entity: Entity) -> JSON:
    return {"id": entity.id, "name": entity.data["name"], "links": links(call, entity.id)}


def release(world: World, server: Entity) -> None:
    """Clean up after a server: its own ports, its volumes and its group membership."""
    for port in list(world.store.find("network.ports", device_id=server.id)):
        if port.id in server.private["ports"]:
            world.store.remove(port)
            release_port(world, port)
        else:
            set_device(world, port, "", "", "")
    for attached in server.data["os-extended-volumes:volumes_attached"]:
        volume = world.store.get("volume.volumes", attached["id"])
        if volume is None:
            continue
        detach(world, volume, server.id)
        if attached["delete_on_termination"]:
            world.store.update(volume, {"status": "deleting"})
            world.store.later(volume, world.ready_after, None)
    for group in world.store.all("compute.server_groups"):
        if server.id in group.data["members"]:
            group.data["members"].remove(server.id)


def start_delete(call: Call, server: Entity) -> None:
    """Begin to delete: the status stays, the task shows."""
    world = call.world
    world.store.update(server, {"OS-EXT-STS:task_state": "deleting"})
    world.store.later(server, world.ready_after, None, lambda: release(world, server))


def _by_name(call: Call, entity: Entity, values: list[str]) -> bool:
    try:
        return any(re.search(value, entity.data["name"]) for value in values)
    except re.error:
        return False


def _by_status(call: Call, entity: Entity, values: list[str]) -> bool:
    return entity.data["status"].lower() in [value.lower() for value in values]


def _by_ip(call: Call, entity: Entity, values: list[str]) -> bool:
    found = [item["addr"] for items in addresses(call, entity.id).values() for item in items]
    return any(value in text for value in values for text in found)


def _by_tags(call: Call, entity: Entity, values: list[str]) -> bool:
    return set(values[0].split(",")) <= set(entity.data["tags"])


def _by_any_tag(call: Call, entity: Entity, values: list[str]) -> bool:
    return not set(values[0].split(",")).isdisjoint(entity.data["tags"])


def _by_project(call: Call, entity: Entity, values: list[str]) -> bool:
    return entity.project_id in values


def _by_id(call: Call, entity: Entity, values: list[str]) -> bool:
    return same(entity.id, values)


SERVERS = Collection(
    kind="compute.servers", path="/servers", singular="server", plural="servers", label="Instance",
    fields={"name": Field(), "accessIPv4": Field(), "accessIPv6": Field(), "description": Field(),
            "OS-DCF:diskConfig": Field(), "hostname": Field()},
    detail=True, methods="list show update", broken=boot.BROKEN, view=view, brief=_brief,
    filters={
        "name": _by_name, "status": _by_status, "ip": _by_ip, "tags": _by_tags, "tags-any": _by_any_tag,
        "tenant_id": _by_project, "project_id": _by_project, "uuid": _by_id,
    },
)  # fmt: skip
COLLECTIONS = ((SERVERS, STYLE),)
