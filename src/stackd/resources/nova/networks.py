"""The networks of a server: what may be combined, the first ones, and their change."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from functools import partial
from typing import Any

from stackd.errors import PropertyError
from stackd.resources.context import JSON, Context
from stackd.resources.nova import ports
from stackd.resources.nova.interfaces import matched
from stackd.resources.nova.server_props import ServerNetwork, ServerProps

_PLACES = ("network", "port", "subnet", "allocate_network")
_PLAIN = {"admin_state_up": True, "binding:vnic_type": "normal"}
"""What a port is when nothing else was asked for."""


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
        used = {nic["port"] for nic in nics if "port" in nic}
        nics.append(await _nic(ctx, entry, props.security_groups, used))
    return nics or None


async def _nic(ctx: Context, entry: ServerNetwork, groups: Sequence[str], used: Collection[str]) -> JSON:
    tag = entry.body("tag")
    if entry.port:
        return {"port": entry.port, **tag}
    if ports.is_internal(entry):
        return {"port": await ports.port_of(ctx, entry, groups, used), **tag}
    return {"uuid": entry.network, **entry.body("fixed_ip"), **tag}


async def reach(ctx: Context, props: ServerProps) -> None:
    """Point the floating IPs of a new server at their ports."""
    for entry in props.networks or ():
        if entry.floating_ip:
            port = entry.port or await ports.port_of(ctx, entry, props.security_groups)
            await _reach(ctx, entry, port)


async def _reach(ctx: Context, entry: ServerNetwork, port: str) -> None:
    if entry.floating_ip:
        await ports.reach_by(ctx, entry.floating_ip, port, None if entry.port else entry.fixed_ip)


async def change(ctx: Context, old: ServerProps, new: ServerProps) -> None:
    """Bring the server's interfaces to what the new entries ask for.

    The entries are compared with the interfaces that the server has: one that has what an entry asks for
    stays, wherever the entry stands. What only the old entries asked for is detached.
    """
    before, after = list(old.networks or ()), list(new.networks or ())
    live = await ports.interfaces(ctx)
    subnets = await _subnets(ctx, [*before, *after])
    named = {entry.port for entry in (*before, *after) if entry.port}
    had = matched(before, live, subnets, named=named, preferred=partial(_recorded, ctx))
    stay = matched(
        after, live, subnets, named=named, preferred=partial(_of_equal, list(zip(before, had, strict=True)))
    )
    await _let_floating_ips_go(ctx, before, after)
    await _take_away(ctx, had if before else live, stay)
    before_of = {each["port_id"]: entry for entry, each in zip(before, had, strict=True) if each}
    used = {each["port_id"] for each in stay if each}
    for entry, interface in zip(after, stay, strict=True):
        if interface is not None:
            port = str(interface["port_id"])
            await _refresh(ctx, port, before_of.get(port), entry)
        elif entry.allocate_network == "none":
            continue
        else:
            port = await _add(ctx, entry, new.security_groups, used)
            used.add(port)
        await _reach(ctx, entry, port)
    if before and not after:
        await _add_automatic(ctx, new.security_groups)


def _recorded(ctx: Context, entry: ServerNetwork) -> set[str]:
    """The ports that were made for an entry."""
    return {each["id"] for each in ports.recorded(ctx) if each["entry"] == entry.data}


def _of_equal(had: Sequence[tuple[ServerNetwork, JSON | None]], entry: ServerNetwork) -> set[str]:
    """The ports of old entries that ask for the same."""
    return {each["port_id"] for other, each in had if each and other.data == entry.data}


async def _subnets(ctx: Context, entries: Sequence[ServerNetwork]) -> dict[str, str]:
    """The ids of the subnets that entries name."""
    names = {str(entry.subnet) for entry in entries if entry.subnet}
    return {name: await ctx.find.id_of("neutron.subnet", name) for name in sorted(names)}


async def _let_floating_ips_go(
    ctx: Context, before: Sequence[ServerNetwork], after: Sequence[ServerNetwork]
) -> None:
    wanted = {entry.floating_ip for entry in after}
    for entry in before:
        if entry.floating_ip and entry.floating_ip not in wanted:
            await ports.reach_by(ctx, entry.floating_ip, None)


async def _take_away(ctx: Context, had: Sequence[JSON | None], stay: Sequence[JSON | None]) -> None:
    """Detach interfaces that do not stay, and remove the ports that were made for them."""
    kept = {each["port_id"] for each in stay if each}
    for each in had:
        if each is None or each["port_id"] in kept:
            continue
        port = str(each["port_id"])
        await ports.detach(ctx, port)
        if port in {known["id"] for known in ports.recorded(ctx)}:
            await ports.remove(ctx, port)


async def _refresh(ctx: Context, port: str, old: ServerNetwork | None, new: ServerNetwork) -> None:
    """Update a port that stays with what can be changed on it."""
    if new.port_extra_properties:
        before = ports.extra_body(old.port_extra_properties) if old and old.port_extra_properties else {}
        wanted = ports.extra_body(new.port_extra_properties)
        wanted.pop("mac_address", None)
        body = {key: value for key, value in wanted.items() if before.get(key, _PLAIN.get(key)) != value}
        if body:
            await ctx.cloud.network.put(f"/ports/{port}", {"port": body})
    known = ports.recorded(ctx)
    changed = [{**each, "entry": new.data} if each["id"] == port else each for each in known]
    if changed != known:
        await ctx.put_data(**{ports.RECORDED: changed})


async def _add(ctx: Context, entry: ServerNetwork, groups: Sequence[str], used: Collection[str]) -> str:
    """Attach a port for an entry; its id.

    The compute service gives the security groups of a server only to the ports that it boots with. So where
    there are groups, the port is made here.
    """
    tag = entry.body("tag")
    if entry.allocate_network:
        return await _add_automatic(ctx, groups)
    if entry.port:
        return await ports.attach(ctx, {"port_id": entry.port, **tag})
    if ports.is_internal(entry) or groups:
        port = await ports.port_of(ctx, entry, groups, used)
        return await ports.attach(ctx, {"port_id": port, **tag})
    fixed: dict[str, Any] = {}
    if entry.fixed_ip:
        fixed["fixed_ips"] = [{"ip_address": entry.fixed_ip}]
    return await ports.attach(ctx, {"net_id": entry.network, **fixed, **tag})


async def _add_automatic(ctx: Context, groups: Sequence[str]) -> str:
    """Let the compute service choose a network, unless the server has one."""
    live = await ports.interfaces(ctx)
    port = str(live[0]["port_id"]) if live else await ports.attach(ctx, {})
    if groups:
        body = {"security_groups": await ports.group_ids(ctx, groups)}
        await ctx.cloud.network.put(f"/ports/{port}", {"port": body})
    return port
