"""The ports of containers: one on each network."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from stackd.devcloud.neutron.ports import release_port, set_device
from stackd.devcloud.nova.boot import given_port, groups_of, new_port, only_network
from stackd.devcloud.store import JSON, Entity
from stackd.devcloud.wire import Call, Fault, bad_request, not_found
from stackd.devcloud.world import World
from stackd.devcloud.zun.style import wrong

_OWNER: Final = "compute:kuryr"


def connect(call: Call, nets: list[JSON], groups: list[str]) -> tuple[list[Entity], set[str]]:
    """The ports of a new container, and the ids of those that were made for it; all or none."""
    security = groups_of(call, {"security_groups": [{"name": each} for each in groups]})
    ports: list[Entity] = []
    made: set[str] = set()
    try:
        for net in nets or [{}]:
            networks = [each.data["network_id"] for each in ports]
            ports.append(port_for(call, net, security, made))
            refuse_twice(ports[-1], networks)
    except Fault:
        for port in ports:
            let_go(call.world, port, made)
        raise
    return ports, made


def port_for(call: Call, net: JSON, groups: list[str] | None, made: set[str]) -> Entity:
    """The port that a request names, or a new one, noted among those ``made``."""
    if "port" in net and "network" in net:
        raise wrong("nets", net, "It is valid under each of network and port.")
    if net.get("port"):
        return given_port(call, str(net["port"]))
    network = net.get("network") or only_network(call, automatic=True)
    if not network:
        raise not_found("There is no neutron network available", "network-not-found")
    address = net.get("fixed_ip") or net.get("v4-fixed-ip") or net.get("v6-fixed-ip")
    port = new_port(call, {"uuid": _network_id(call, network), "fixed_ip": address}, groups)
    made.add(port.id)
    return port


def _network_id(call: Call, wanted: str) -> str:
    """The id of a network that may be called by its name."""
    named = call.store.first("network.networks", name=wanted)
    if call.store.get("network.networks", wanted) is None and named is None:
        raise not_found(f"Neutron network {wanted} could not be found.", "network-not-found")
    return wanted if named is None else named.id


def refuse_twice(port: Entity, connected: Iterable[str]) -> None:
    """Refuse a second port on a network."""
    if port.data["network_id"] in connected:
        raise bad_request(
            f"Network '{port.data['network_id']}' is already connected to the container.", "invalid"
        )


def bind(world: World, port: Entity, container_id: str) -> None:
    """Give a port to a container."""
    set_device(world, port, container_id, _OWNER, "dev")


def let_go(world: World, port: Entity, made: set[str]) -> None:
    """Take a port from its container; one that was made for it is deleted."""
    if port.id in made:
        made.discard(port.id)
        world.store.remove(port)
        release_port(world, port)
    else:
        set_device(world, port, "", "", "")


def addresses(ports: list[Entity], made: set[str]) -> JSON:
    """The addresses of ports by the ids of networks, as containers show them."""
    shown: JSON = {}
    for port in ports:
        for fixed in port.data["fixed_ips"]:
            shown.setdefault(port.data["network_id"], []).append(
                {
                    "addr": fixed["ip_address"], "version": 6 if ":" in fixed["ip_address"] else 4,
                    "port": port.id, "subnet_id": fixed["subnet_id"],
                    "preserve_on_delete": port.id not in made,
                }
            )  # fmt: skip
    return shown
