"""What containers that run are connected to. It changes after the answer, as the real service works."""

from __future__ import annotations

from typing import Final

from stackd.devcloud.collection import touch
from stackd.devcloud.store import Entity
from stackd.devcloud.wire import Call, Fault, Reply, Route, bad_request
from stackd.devcloud.zun.containers import CONTAINERS, found
from stackd.devcloud.zun.networks import addresses, bind, let_go, port_for, refuse_twice
from stackd.devcloud.zun.style import STYLE


def _ports(call: Call, container: Entity) -> list[Entity]:
    known = (call.store.get("network.ports", each) for each in container.private["attached"])
    return [port for port in known if port is not None]


def _show_later(call: Call, container: Entity, task: str) -> None:
    """Let the container show the ports that it has, after a while."""
    call.store.update(container, {"task_state": task})
    shown = addresses(_ports(call, container), container.private["made"])
    changes = {"addresses": shown, "task_state": None}
    call.store.later(container, call.world.ready_after, changes, lambda: touch(STYLE, call.world, container))


def _attach(call: Call) -> Reply:
    container = found(call, "network_attach")
    made = container.private["made"]
    port = port_for(call, dict(call.query), None, made)
    try:
        refuse_twice(port, container.data["addresses"])
    except Fault:
        let_go(call.world, port, made)
        raise
    bind(call.world, port, container.id)
    container.private["attached"].append(port.id)
    _show_later(call, container, "network_attaching")
    return Reply(200)


def _detach(call: Call) -> Reply:
    container = found(call, "network_detach")
    wanted = call.first("port") or call.first("network")
    leaving = [each for each in _ports(call, container) if wanted in (each.id, each.data["network_id"])]
    if not leaving:
        raise bad_request(f"'{wanted}' is not attached to container '{container.id}'.", "invalid")
    for port in leaving:
        container.private["attached"].remove(port.id)
        let_go(call.world, port, container.private["made"])
    _show_later(call, container, "network_detaching")
    return Reply(202)


def _list(call: Call) -> Reply:
    container = found(call, "network_list")
    networks = []
    for network, entries in container.data["addresses"].items():
        for port in dict.fromkeys(each["port"] for each in entries):
            fixed = [
                {"subnet_id": each["subnet_id"], "version": each["version"], "ip_address": each["addr"]}
                for each in entries
                if each["port"] == port
            ]
            networks.append({"net_id": network, "port_id": port, "fixed_ips": fixed})
    return Reply(200, {"networks": networks})


_ONE: Final = f"{CONTAINERS.path}/{{id}}"
ROUTES: Final = (
    Route("POST", f"{_ONE}/network_attach", _attach),
    Route("POST", f"{_ONE}/network_detach", _detach),
    Route("GET", f"{_ONE}/network_list", _list),
)
