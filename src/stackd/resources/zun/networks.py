"""What a container is connected to, and how that changes.

The service connects and disconnects after it has answered. It connects a container once with each network.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from functools import partial
from typing import Final

from stackd.errors import ResourceFailure
from stackd.resources.beside import once
from stackd.resources.context import JSON, Context
from stackd.resources.nova.interfaces import matched
from stackd.resources.nova.server_props import ServerNetwork
from stackd.resources.zun.container_props import ContainerNetwork

_LONGEST: Final = 300.0
"""Seconds after which a change that the service agreed to is not waited for any longer."""


def interfaces(live: JSON) -> list[JSON]:
    """The ports of a container, in the form of those of servers."""
    ports: dict[tuple[str, str], list[JSON]] = {}
    for network, addresses in (live.get("addresses") or {}).items():
        for each in addresses:
            fixed = {"ip_address": each["addr"], "subnet_id": each.get("subnet_id")}
            ports.setdefault((network, each["port"]), []).append(fixed)
    return [{"net_id": net, "port_id": port, "fixed_ips": fixed} for (net, port), fixed in ports.items()]


def connected(entries: Sequence[ContainerNetwork], live: JSON) -> list[JSON | None]:
    """For each entry the port that is what it asks for, None where there is none."""
    asked = [ServerNetwork.wrap(dict(entry.data)) for entry in entries]
    named = {entry.port for entry in entries if entry.port}
    return matched(asked, interfaces(live), {}, named=named, preferred=lambda entry: ())


async def change(ctx: Context, entries: Sequence[ContainerNetwork]) -> None:
    """Connect a container to what the entries ask for, and to nothing else.

    Without entries the service chooses. Ports that are as an entry wants them stay: this can be repeated.
    """
    live = await ctx.live(fresh=True)
    stay = connected(entries, live)
    kept = {each["port_id"] for each in stay if each}
    for each in interfaces(live):
        if each["port_id"] not in kept:
            await disconnect(ctx, each["port_id"])
    for entry, interface in zip(entries, stay, strict=True):
        if interface is None:
            await _connect(ctx, _place(entry), partial(_is_connected, entry))
    if not entries:
        await _connect(ctx, {}, lambda live: bool(interfaces(live)))


def _is_connected(entry: ContainerNetwork, live: JSON) -> bool:
    return connected([entry], live) != [None]


def _place(entry: ContainerNetwork) -> JSON:
    """An entry as the request has it: a port needs no network besides it."""
    return {"port": entry.port} if entry.port else {"network": entry.network, "fixed_ip": entry.fixed_ip}


async def _connect(ctx: Context, place: JSON, done: Callable[[JSON], bool]) -> None:
    wanted = place.get("port") or place.get("network") or "a network"
    await _ask(ctx, "network_attach", place, done, f"the container is connected to {wanted}")


async def disconnect(ctx: Context, port: str) -> None:
    """Take a port from a container. Idempotent."""

    def done(live: JSON) -> bool:
        return port not in {each["port_id"] for each in interfaces(live)}

    await _ask(ctx, "network_detach", {"port": port}, done, f"port {port} is taken from the container")


async def _ask(ctx: Context, action: str, params: JSON, done: Callable[[JSON], bool], what: str) -> None:
    """Ask for a change that is not ``done`` yet, and wait until it is."""
    clock = asyncio.get_running_loop().time
    end = clock() + _LONGEST

    def at_rest(live: JSON) -> bool:
        return done(live) or not live.get("task_state")

    async def is_done() -> bool:
        """What was asked for before an interruption may be under way, and is refused then."""
        return done(await ctx.poll(at_rest, what))

    async def ask() -> None:
        await ctx.cloud.service("container").post(f"/containers/{ctx.physical_id}/{action}", params=params)

    def reached(live: JSON) -> bool:
        if not done(live) and clock() > end:
            raise ResourceFailure(f"The container service has not managed in {_LONGEST:.0f} s that {what}.")
        return done(live)

    await once(ctx, is_done, ask)
    await ctx.poll(reached, what)
