"""The networks of a server: what may be combined, the first ones, and their change."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from stackd.errors import PropertyError
from stackd.resources.context import JSON, Context
from stackd.resources.nova import ports
from stackd.resources.nova.server_props import ServerNetwork, ServerProps

_PLACES = ("network", "port", "subnet", "allocate_network")


def check(props: ServerProps) -> None:
    """Every entry has a network or port to connect to, and no contradicting keys."""
    entries = props.networks or []
    for index, entry in enumerate(entries):
        given = {name for name, value in entry.data.items() if value is not None}
        path = f"properties.networks[{index}]"
        if "allocate_network" in given and (len(entries) > 1 or len(given) > 1):
            raise _wrong("allocate_network must be the only thing in networks", path)
        if not given & set(_PLACES):
            raise _wrong(f"One of {', '.join(_PLACES)} must be given", path)
        if {"fixed_ip", "port"} <= given:
            raise _wrong("fixed_ip and port cannot both be given: the port has its address", path)
        if "floating_ip" in given and not given & {"port", "subnet", "port_extra_properties"}:
            raise _wrong("floating_ip needs a port or subnet besides it", path)
        if "port" in given and props.data.get("security_groups"):
            raise _wrong(
                "security_groups of the server have no effect on a port: give them to the port", path
            )


def _wrong(message: str, path: str) -> PropertyError:
    return PropertyError(f"{message}.", path=path, remedy="Change this entry of networks.")


async def first(ctx: Context, props: ServerProps) -> list[JSON] | str | None:
    """``networks`` as the request for a new server takes it; None if empty."""
    nics: list[JSON] = []
    for entry in props.networks or ():
        if entry.allocate_network:
            return str(entry.allocate_network)
        nics.append(await _nic(ctx, entry, props.security_groups))
    return nics or None


async def _nic(ctx: Context, entry: ServerNetwork, groups: Sequence[str]) -> JSON:
    tag = entry.body("tag")
    if entry.port:
        return {"port": entry.port, **tag}
    if ports.is_internal(entry):
        return {"port": await ports.port_of(ctx, entry, groups), **tag}
    return {"uuid": entry.network, **entry.body("fixed_ip"), **tag}


async def reach(ctx: Context, props: ServerProps) -> None:
    """Point the floating IPs at their ports."""
    for entry in props.networks or ():
        if entry.floating_ip:
            port = entry.port or await ports.port_of(ctx, entry, props.security_groups)
            await ports.reach_by(ctx, entry.floating_ip, port, None if entry.port else entry.fixed_ip)


async def change(ctx: Context, old: ServerProps, new: ServerProps) -> None:
    """Detach removed entries, and attach new ones."""
    before, after = list(old.networks or ()), list(new.networks or ())
    for entry in list(after):
        twin = next((each for each in before if each.data == entry.data), None)
        same = twin or next((each for each in before if _is_same_port(each, entry)), None)
        if same is not None:
            before.remove(same)
            after.remove(entry)
            if twin is None:
                await _refresh(ctx, same, entry)
    await _take_away(ctx, before, everything=not old.networks and bool(new.networks))
    for entry in after:
        if entry.allocate_network != "none":
            await _add(ctx, entry, new.security_groups)
    if not new.networks and old.networks:
        await _add_automatic(ctx)
    await reach(ctx, new)


def _is_same_port(old: ServerNetwork, new: ServerNetwork) -> bool:
    """Whether an entry changed only in what can be changed on its port."""
    if old.port or new.port:
        return bool(old.port == new.port and old.data.get("tag") == new.data.get("tag"))
    fixed = ("network", "subnet", "fixed_ip", "tag", "allocate_network")
    if any(old.data.get(name) != new.data.get(name) for name in fixed):
        return False
    mac = [(each.data.get("port_extra_properties") or {}).get("mac_address") for each in (old, new)]
    return ports.is_internal(old) and ports.is_internal(new) and mac[0] == mac[1]


async def _refresh(ctx: Context, old: ServerNetwork, new: ServerNetwork) -> None:
    """Update the port of an entry, and its floating IP."""
    if old.floating_ip and old.floating_ip != new.floating_ip:
        await ports.reach_by(ctx, old.floating_ip, None)
    known = ports.recorded(ctx)
    mine = next((each for each in known if each["entry"] == old.data), None)
    if mine is None:
        return
    extra = "port_extra_properties"
    if new.port_extra_properties and new.data.get(extra) != old.data.get(extra):
        body = ports.extra_body(new.port_extra_properties)
        body.pop("mac_address", None)
        await ctx.cloud.network.put(f"/ports/{mine['id']}", {"port": body})
    changed = [{**each, "entry": new.data} if each is mine else each for each in known]
    await ctx.put_data(**{ports.RECORDED: changed})


async def _take_away(ctx: Context, entries: Sequence[ServerNetwork], *, everything: bool) -> None:
    """Detach the ports of entries; ``everything`` includes ports attached from outside of the stack."""
    live = await ports.interfaces(ctx) if entries or everything else []
    taken: set[str] = set()
    for entry in entries:
        if entry.floating_ip:
            await ports.reach_by(ctx, entry.floating_ip, None)
        port = _port_behind(ctx, entry, live, taken)
        if port:
            taken.add(port)
            await ports.detach(ctx, port)
            if port in {each["id"] for each in ports.recorded(ctx)}:
                await ports.remove(ctx, port)
    if everything:
        for each in live:
            await ports.detach(ctx, each["port_id"])


def _port_behind(ctx: Context, entry: ServerNetwork, live: Sequence[JSON], taken: set[str]) -> str | None:
    """The port that an entry stands for: its own, the one made for it, or the best among the live ones."""
    if entry.port:
        return str(entry.port)
    for each in ports.recorded(ctx):
        if each["entry"] == entry.data:
            return str(each["id"])
    free = [each for each in live if each["port_id"] not in taken]
    if entry.fixed_ip:
        free = [each for each in free if entry.fixed_ip in addresses(each)]
    if entry.network:
        free = [each for each in free if each["net_id"] == entry.network]
    return str(free[0]["port_id"]) if free else None


def addresses(interface: JSON) -> list[str]:
    """The addresses of a port."""
    return [each["ip_address"] for each in interface.get("fixed_ips") or ()]


async def _add(ctx: Context, entry: ServerNetwork, groups: Sequence[str]) -> None:
    tag = entry.body("tag")
    if entry.allocate_network == "auto":
        await _add_automatic(ctx)
    elif entry.port:
        await ports.attach(ctx, {"port_id": entry.port, **tag})
    elif ports.is_internal(entry):
        await ports.attach(ctx, {"port_id": await ports.port_of(ctx, entry, groups), **tag})
    else:
        fixed: dict[str, Any] = {}
        if entry.fixed_ip:
            fixed["fixed_ips"] = [{"ip_address": entry.fixed_ip}]
        await ports.attach(ctx, {"net_id": entry.network, **fixed, **tag})


async def _add_automatic(ctx: Context) -> None:
    """Let the compute service choose a network."""
    if not await ports.interfaces(ctx):
        await ports.attach(ctx, {})
