"""Creates servers: checks the request's references, then attaches ports and volumes."""

from __future__ import annotations

from collections.abc import Mapping

from stackd.devcloud.cinder.style import STYLE as CINDER
from stackd.devcloud.cinder.volumes import VOLUMES, attach
from stackd.devcloud.collection import create, demand, own
from stackd.devcloud.neutron.ports import PORTS, release_port, set_device
from stackd.devcloud.neutron.security import default_group
from stackd.devcloud.neutron.style import STYLE as NEUTRON
from stackd.devcloud.neutron.style import own_or_shared
from stackd.devcloud.nova import flavors
from stackd.devcloud.nova.style import STYLE, quota_exceeded
from stackd.devcloud.store import JSON, Entity
from stackd.devcloud.wire import Call, Fault, Reply, bad_request, conflict, forbidden
from stackd.devcloud.world import stamp_seconds

BROKEN: JSON = {
    "status": "ERROR", "OS-EXT-STS:vm_state": "error", "OS-EXT-STS:task_state": None,
    "OS-EXT-STS:power_state": 0,
    "fault": {"code": 500, "message": "No valid host was found.", "created": "2026-01-01T00:00:00Z"},
}  # fmt: skip
READY: JSON = {
    "status": "ACTIVE", "OS-EXT-STS:vm_state": "active", "OS-EXT-STS:task_state": None,
    "OS-EXT-STS:power_state": 1,
}  # fmt: skip
SIZES = {"cores": "vcpus", "ram": "ram"}
"""The fields of a flavor that count against the quotas of these names."""

FAIL_SPEC = "devcloud:fail"
"""Extra spec of a flavor, or property of an image, with the failure message of servers made of it."""


def boot(call: Call) -> Reply:
    """`POST /servers`."""
    demand(call, "member", "servers:create", STYLE)
    body = call.json()
    request = call.unwrap("server")
    flavor = _flavor(call, request)
    image_id = _image(call, request)
    _check_key(call, request)
    number = int(request.get("min_count") or request.get("max_count") or 1)
    sizes = {name: number * flavor.data[size] for name, size in SIZES.items()}
    check_quota(call, call.actor.project_id, {"servers": number, **sizes})
    hints = body.get("os:scheduler_hints") or body.get("OS-SCH-HNT:scheduler_hints") or {}
    made = [
        _one(call, request, flavor, image_id, hints=hints, index=index, number=number)
        for index in range(number)
    ]
    server = made[0]
    names = [{"name": item["name"]} for item in request.get("security_groups", [{"name": "default"}])]
    root = call.base.removesuffix("/v2.1")
    href = f"{call.base}/servers/{server.id}"
    shown = {
        "id": server.id, "OS-DCF:diskConfig": server.data["OS-DCF:diskConfig"], "security_groups": names,
        "adminPass": server.private["adminPass"],
        "links": [
            {"rel": "self", "href": href},
            {"rel": "bookmark", "href": f"{root}/servers/{server.id}"},
        ],
    }  # fmt: skip
    if request.get("return_reservation_id"):
        return Reply(202, {"reservation_id": server.data["OS-EXT-SRV-ATTR:reservation_id"]})
    return Reply(202, {"server": shown}, {"location": href})


def _flavor(call: Call, request: JSON) -> Entity:
    if "flavorRef" not in request:
        raise bad_request(
            f"Invalid input for field/attribute server. Value: {request}. 'flavorRef' is a required property"
        )
    if not request.get("name"):
        raise bad_request("Invalid input for field/attribute server. 'name' is a required property")
    flavor_id = str(request["flavorRef"]).rpartition("/")[2]
    flavor = call.store.get(flavors.KIND, flavor_id)
    if flavor is None or not flavors.sees(call, flavor):
        raise bad_request(f"Flavor {flavor_id} could not be found.")
    return flavor


def _image(call: Call, request: JSON) -> str:
    image_id = str(request.get("imageRef") or "").rpartition("/")[2]
    if not image_id:
        mappings = request.get("block_device_mapping_v2") or request.get("block_device_mapping")
        if not mappings:
            raise bad_request("Invalid imageRef provided.")
        return ""
    image = call.store.get("image.images", image_id)
    if image is None:
        raise bad_request(f"Image {image_id} could not be found.")
    if image.data["status"] != "active":
        raise bad_request(f"Image {image_id} is not active.")
    return image_id


def _check_key(call: Call, request: JSON) -> None:
    name = request.get("key_name")
    if name and call.store.get("compute.keypairs", f"{call.actor.user_id}/{name}") is None:
        raise bad_request("Invalid key_name provided.")


def check_quota(call: Call, project_id: str, wanted: Mapping[str, int]) -> None:
    """Refuse what is more than the rest of a project's quota; less than nothing needs none."""
    for name, asked in wanted.items():
        limit = call.world.quota(project_id, name)
        if limit < 0 or asked <= 0:
            continue
        used = usage(call, project_id)[name]
        if used + asked > limit:
            raise quota_exceeded("instances" if name == "servers" else name, asked, used, limit)


def usage(call: Call, project_id: str) -> dict[str, int]:
    """The quota usage of a project's servers."""
    mine = [server for server in call.store.all("compute.servers") if server.project_id == project_id]
    sizes = [server.private["flavor"].data for server in mine]
    return {
        "servers": len(mine),
        "cores": sum(size["vcpus"] for size in sizes),
        "ram": sum(size["ram"] for size in sizes),
    }


def _one(
    call: Call, request: JSON, flavor: Entity, image_id: str, *, hints: JSON, index: int, number: int
) -> Entity:
    world = call.world
    server_id = world.uuid()
    ports, made, tags = _ports(call, request, server_id)
    try:
        volumes = _volumes(call, request, server_id)
    except Fault:
        _undo_ports(call, ports, made)
        raise
    name = request["name"] if number == 1 else f"{request['name']}-{index + 1}"
    data = _data(call, request, server_id, flavor, name=name, image_id=image_id) | {
        "os-extended-volumes:volumes_attached": volumes
    }
    private = {
        "ports": made, "flavor": flavor, "adminPass": request.get("adminPass") or world.hex_id()[:12],
        "hints": hints, "hypervisor": "dev", "tags": tags,
    }  # fmt: skip
    _join_group(call, server_id, hints, data)
    server = world.store.add("compute.servers", server_id, call.actor.project_id, data, private)
    call.touched.append(server)
    message = flavor.private["extra_specs"].get(FAIL_SPEC) or _image_fails(call, image_id)
    if message:
        fault = BROKEN["fault"] | {"message": message, "created": stamp_seconds(world.clock())}
        world.store.later(server, world.ready_after, BROKEN | {"fault": fault})
    else:
        launched = stamp_seconds(world.clock() + world.ready_after).rstrip("Z") + ".000000"
        world.store.later(server, world.ready_after, READY | {"OS-SRV-USG:launched_at": launched})
    return server


def _image_fails(call: Call, image_id: str) -> str:
    image = call.store.get("image.images", image_id) if image_id else None
    return str(image.data.get(FAIL_SPEC, "")) if image else ""


def _data(call: Call, request: JSON, server_id: str, flavor: Entity, *, name: str, image_id: str) -> JSON:
    now = stamp_seconds(call.world.clock())
    return {
        "id": server_id, "name": name, "status": "BUILD", "tenant_id": call.actor.project_id,
        "user_id": call.actor.user_id, "metadata": dict(request.get("metadata") or {}),
        "hostId": f"{call.world.random.getrandbits(224):056x}", "image": image_id, "flavor": flavor.id,
        "created": now, "updated": now, "accessIPv4": request.get("accessIPv4", ""),
        "accessIPv6": request.get("accessIPv6", ""), "OS-DCF:diskConfig": request.get("OS-DCF:diskConfig",
        "MANUAL"),
        "progress": 0, "OS-EXT-AZ:availability_zone": request.get("availability_zone") or "nova",
        "config_drive": "True" if request.get("config_drive") in (True, "True", "true") else "",
        "key_name": request.get("key_name"), "OS-SRV-USG:launched_at": None,
        "OS-SRV-USG:terminated_at": None, "OS-EXT-SRV-ATTR:host": "dev",
        "OS-EXT-SRV-ATTR:instance_name": f"instance-{server_id[:8]}",
        "OS-EXT-SRV-ATTR:hypervisor_hostname": "dev", "OS-EXT-SRV-ATTR:hostname": request.get("hostname",
        name),
        "OS-EXT-SRV-ATTR:kernel_id": "", "OS-EXT-SRV-ATTR:launch_index": 0, "OS-EXT-SRV-ATTR:ramdisk_id": "",
        "OS-EXT-SRV-ATTR:reservation_id": f"r-{server_id[:8]}",
        "OS-EXT-SRV-ATTR:root_device_name": "/dev/vda",
        "OS-EXT-SRV-ATTR:user_data": request.get("user_data"), "OS-EXT-STS:task_state": "spawning",
        "OS-EXT-STS:vm_state": "building", "OS-EXT-STS:power_state": 0, "locked": False, "host_status": "UP",
        "description": request.get("description"), "tags": list(request.get("tags") or []),
        "trusted_image_certificates": None, "server_groups": [], "locked_reason": None,
    }  # fmt: skip


def _join_group(call: Call, server_id: str, hints: JSON, data: JSON) -> None:
    group_id = hints.get("group")
    if not group_id:
        return
    group = call.store.get("compute.server_groups", str(group_id))
    if group is None:
        raise bad_request(f"Instance group {group_id} could not be found.")
    group.data["members"].append(server_id)
    data["server_groups"] = [group.id]


def _ports(call: Call, request: JSON, server_id: str) -> tuple[list[Entity], set[str], dict[str, str]]:
    """The ports of a new server, the ids of those created for it, and tags by id."""
    networks = request.get("networks")
    if networks == "none":
        return [], set(), {}
    if networks in (None, "auto", []):
        networks = [{"uuid": only_network(call, automatic=networks == "auto")}]
        networks = [desired for desired in networks if desired["uuid"]]
    groups = groups_of(call, request)
    ports: list[Entity] = []
    made: set[str] = set()
    tags: dict[str, str] = {}
    try:
        for desired in networks:
            if desired.get("port"):
                port = given_port(call, str(desired["port"]))
            else:
                port = new_port(call, desired, groups)
                made.add(port.id)
            ports.append(port)
            if desired.get("tag"):
                tags[port.id] = desired["tag"]
            set_device(call.world, port, server_id, "compute:nova", "dev")
    except Fault:
        _undo_ports(call, ports, made)
        raise
    return ports, made, tags


def _undo_ports(call: Call, ports: list[Entity], made: set[str]) -> None:
    for port in ports:
        if port.id in made:
            call.store.remove(port)
            release_port(call.world, port)
        else:
            set_device(call.world, port, "", "", "")


def only_network(call: Call, automatic: bool) -> str:
    """The network that a request without one means, empty if there is none."""
    mine = [
        network for network in call.store.all("network.networks")
        if (network.project_id == call.actor.project_id or network.data["shared"])
        and not network.data["router:external"] and network.data["subnets"]
    ]  # fmt: skip
    if len(mine) > 1 and not automatic:
        raise conflict("Multiple possible networks found, use a Network ID to be more specific.")
    return mine[0].id if mine else ""


def groups_of(call: Call, request: JSON) -> list[str] | None:
    """The ids of the security groups that a request names; None if it names none."""
    named = request.get("security_groups")
    if not named:
        return None
    ids = []
    for item in named:
        name = item["name"]
        if name == "default":
            ids.append(default_group(call.world, call.actor.project_id).id)
            continue
        group = call.store.get("network.security_groups", name) or next(
            (g for g in call.store.find("network.security_groups", name=name) if own(call, g)), None
        )
        if group is None:
            raise bad_request(f"Security group {name} not found for project {call.actor.project_id}.")
        ids.append(group.id)
    return ids


def given_port(call: Call, port_id: str) -> Entity:
    """A port of the caller that nothing uses yet."""
    port = call.store.get("network.ports", port_id)
    if port is None or not own(call, port):
        raise bad_request(f"Port id {port_id} could not be found.")
    if port.data["device_id"]:
        raise bad_request(f"Port {port_id} is still in use.")
    return port


def new_port(call: Call, desired: JSON, groups: list[str] | None) -> Entity:
    """A new port on the network of a request."""
    network_id = str(desired.get("uuid") or desired.get("net_id"))
    network = call.store.get("network.networks", network_id)
    if network is None or not own_or_shared(call, network):
        raise bad_request(f"Network {network_id} could not be found.")
    if network.data["router:external"] and network.project_id != call.actor.project_id:
        raise forbidden(f"It is not allowed to create an interface on external network {network_id}")
    if not network.data["subnets"]:
        raise bad_request(f"Network {network_id} requires a subnet in order to boot instances on.")
    body: JSON = {"network_id": network_id}
    if desired.get("fixed_ip"):
        body["fixed_ips"] = [{"ip_address": desired["fixed_ip"]}]
    if groups is not None:
        body["security_groups"] = groups
    try:
        return create(PORTS, NEUTRON, call, body)
    except Fault as fault:
        if fault.kind == "OverQuota":
            raise forbidden("Maximum number of ports exceeded") from fault
        if fault.kind == "IpAddressAlreadyAllocated":
            raise bad_request(f"Fixed IP address {desired['fixed_ip']} is already in use.") from fault
        raise


def interface_port(call: Call, desired: JSON, server: Entity) -> Entity:
    """A port for an interface that is attached to a server later."""
    if desired.get("port_id"):
        port = given_port(call, str(desired["port_id"]))
    else:
        fixed = desired.get("fixed_ips") or []
        ask = {"uuid": desired.get("net_id") or only_network(call, automatic=False)}
        if fixed:
            ask["fixed_ip"] = fixed[0]["ip_address"]
        port = new_port(call, ask, None)
        server.private["ports"].add(port.id)
    if desired.get("tag"):
        server.private["tags"][port.id] = desired["tag"]
    set_device(call.world, port, server.id, "compute:nova", "dev")
    return port


def _volumes(call: Call, request: JSON, server_id: str) -> list[JSON]:
    attached: list[JSON] = []
    for at, mapping in enumerate(request.get("block_device_mapping_v2") or []):
        if mapping.get("destination_type", "local") != "volume" and mapping.get("source_type") != "volume":
            continue
        volume = _mapped_volume(call, mapping, str(request["name"]))
        device = mapping.get("device_name") or f"/dev/vd{chr(ord('a') + at)}"
        made = attach(call.world, volume, server_id, device)
        attached.append(
            attached_volume(volume, bool(mapping.get("delete_on_termination")), made, mapping.get("tag"))
        )
    return attached


def attached_volume(volume: Entity, dies: bool, attachment: JSON, tag: str | None = None) -> JSON:
    """The record of an attached volume in its server."""
    return {
        "id": volume.id, "delete_on_termination": dies, "device": attachment["device"], "tag": tag,
        "attachment_id": attachment["attachment_id"],
    }  # fmt: skip


def _mapped_volume(call: Call, mapping: JSON, name: str) -> Entity:
    source, source_id = mapping.get("source_type"), mapping.get("uuid")
    if source == "volume":
        volume = call.store.get("volume.volumes", str(source_id))
        if volume is None or not own(call, volume):
            raise bad_request(f"Block Device Mapping is Invalid: failed to get volume {source_id}.")
        if volume.data["status"] != "available" and not volume.data["multiattach"]:
            raise bad_request(
                f"Invalid volume: volume '{source_id}' status must be 'available'. Currently in "
                f"'{volume.data['status']}'"
            )
        return volume
    body: JSON = {"size": mapping.get("volume_size"), "volume_type": mapping.get("volume_type"), "name": ""}
    if source == "image":
        body["imageRef"] = source_id
    elif source == "snapshot":
        body["snapshot_id"] = source_id
    return create(VOLUMES, CINDER, call, body)
