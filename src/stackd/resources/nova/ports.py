"""Ports that are made for a server, and how they come and go.

A port is made where an entry of ``networks`` asks for more than the compute service can give. It is
recorded under the server's private value ``internal_ports`` right after it was made, and its name is
derived from the server's, so that one whose answer was lost is found again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from itertools import count
from typing import Any

from stackd.errors import CloudConflict, CloudError, CloudNotFound, ResourceFailure
from stackd.resources.context import JSON, Context, Reading
from stackd.resources.nova.changes import once_free
from stackd.resources.nova.server_props import PortExtra, ServerNetwork

RECORDED = "internal_ports"
LONGEST_DETACH = 300.0
"""Seconds after which a port that the compute service agreed to detach is not waited for any longer."""

_EXTRA = (
    *("admin_state_up", "mac_address", "port_security_enabled", "propagate_uplink_status"),
    "binding:vnic_type",
)


def is_internal(entry: ServerNetwork) -> bool:
    """Whether a port has to be made for an entry."""
    return not entry.port and bool(entry.subnet or entry.data.get("port_extra_properties"))


def recorded(ctx: Context) -> list[dict[str, Any]]:
    """The ports that were made: id, name, and the entry of ``networks`` they were made for."""
    return list(ctx.data.get(RECORDED) or ())


async def port_of(
    ctx: Context, entry: ServerNetwork, groups: Sequence[str], used: Collection[str] = ()
) -> str:
    """The port for an entry: the one recorded, the one an interrupted request made, or a new one.

    ``used`` are ports of other entries, which may ask for the same.
    """
    known = recorded(ctx)
    for each in known:
        if each["entry"] == entry.data and each["id"] not in used:
            return str(each["id"])
    taken = {each["name"] for each in known}
    name = next(name for index in count() if (name := f"{ctx.physical_name}-port-{index}") not in taken)
    found = (await ctx.cloud.network.get("/ports", {"name": name}))["ports"]
    port = found[0] if found else await _make(ctx, entry, groups, name)
    await ctx.put_data(**{RECORDED: [*known, {"id": port["id"], "name": name, "entry": entry.data}]})
    return str(port["id"])


async def _make(ctx: Context, entry: ServerNetwork, groups: Sequence[str], name: str) -> JSON:
    body: JSON = {"name": name, **await _place(ctx, entry)}
    if groups:
        body["security_groups"] = await group_ids(ctx, groups)
    if entry.port_extra_properties:
        body |= extra_body(entry.port_extra_properties)
    reply = await ctx.cloud.network.post("/ports", {"port": body})
    port: JSON = reply["port"]
    return port


async def group_ids(ctx: Context, groups: Sequence[str]) -> list[str]:
    """The ids of security groups."""
    return [await ctx.find.id_of("neutron.security_group", each) for each in groups]


async def _place(ctx: Context, entry: ServerNetwork) -> JSON:
    """Network and address of a port."""
    network, address = entry.network, {}
    if entry.subnet:
        subnet = await ctx.find.id_of("neutron.subnet", entry.subnet)
        address["subnet_id"] = subnet
        if not network:
            network = (await ctx.cloud.network.get(f"/subnets/{subnet}"))["subnet"]["network_id"]
    if entry.fixed_ip:
        address["ip_address"] = entry.fixed_ip
    return {"network_id": network} | ({"fixed_ips": [address]} if address else {})


def extra_body(extra: PortExtra) -> JSON:
    """``port_extra_properties`` as the network service takes them."""
    body = dict(extra.value_specs or {}) | extra.body(*_EXTRA)
    if extra.allowed_address_pairs is not None:
        body["allowed_address_pairs"] = [
            {key: value for key, value in each.data.items() if value is not None}
            for each in extra.allowed_address_pairs
        ]
    if extra.qos_policy:
        body["qos_policy_id"] = extra.qos_policy
    if extra.no_fixed_ips:
        body["fixed_ips"] = []
    return body


async def remove_all(ctx: Context) -> None:
    """Remove every port that was made."""
    for each in recorded(ctx):
        await remove(ctx, each["id"])


async def remove(ctx: Context, port: str) -> None:
    """Delete one port and its record. Idempotent: ignores 404."""
    with suppress(CloudNotFound):
        await ctx.cloud.network.delete(f"/ports/{port}")
    await ctx.put_data(**{RECORDED: [each for each in recorded(ctx) if each["id"] != port] or None})


# --- ports of a server that runs ---------------------------------------------------------------


async def interfaces(ctx: Reading, server: str = "") -> list[JSON]:
    """The ports that a server (by default this one) has now."""
    reply = await ctx.cloud.compute.get(f"/servers/{server or ctx.physical_id}/os-interface")
    found: list[JSON] = reply["interfaceAttachments"]
    return found


async def attach(ctx: Context, nic: Mapping[str, Any]) -> str:
    """Attach a port to the server and wait until it is attached; the port's id.

    Idempotent for a port that exists already.
    """
    had = {each["port_id"] for each in await interfaces(ctx)}
    wanted = nic.get("port_id")
    if wanted in had:
        return str(wanted)
    path = f"/servers/{ctx.physical_id}/os-interface"
    made: list[str] = []

    async def ask() -> None:
        reply = await ctx.cloud.compute.post(path, {"interfaceAttachment": dict(nic)})
        made.append(str(wanted or reply["interfaceAttachment"]["port_id"]))

    async def is_there() -> bool:
        if made[0] in {each["port_id"] for each in await interfaces(ctx)}:
            return True
        holder = (await ctx.cloud.network.get(f"/ports/{made[0]}"))["port"].get("device_id")
        if holder != ctx.physical_id:
            raise ResourceFailure(f"Port {made[0]} was taken away from the server while it was attached.")
        return False

    await once_free(ctx, ctx.physical_id, ask, "the server can get another port")
    await ctx.until(is_there, f"port {made[0]} is attached to the server")
    return made[0]


async def detach(ctx: Context, port: str, server: str = "") -> None:
    """Detach a port from a server (by default this one) and wait until it is free. Idempotent.

    Raises ``CloudConflict`` when the server keeps its ports, as it does where it is suspended or broken.
    """
    server = server or ctx.physical_id
    clock = asyncio.get_running_loop().time
    end = clock() + LONGEST_DETACH

    async def ask() -> None:
        try:
            await ctx.cloud.compute.delete(f"/servers/{server}/os-interface/{port}")
        except CloudError as error:
            if error.status not in (400, 404):
                raise

    async def is_free() -> bool:
        try:
            free = port not in {each["port_id"] for each in await interfaces(ctx, server)}
        except CloudNotFound:
            return True
        if not free and clock() > end:
            raise ResourceFailure(f"The compute service does not detach port {port} from server {server}.")
        return free

    with suppress(CloudNotFound):
        await once_free(ctx, server, ask, f"server {server} can let port {port} go")
    await ctx.until(is_free, f"port {port} is detached from server {server}")


async def release(ctx: Context, port: str, server: str = "") -> None:
    """Take a port away from a server that is to be deleted, whatever state it is in. Idempotent."""
    try:
        await detach(ctx, port, server)
    except CloudConflict:
        await bind(ctx, port, "")


async def bind(ctx: Context, port: str, server: str) -> None:
    """Note in the network service which server has a port; with an empty id none has it.

    For servers that the compute service does not change in their present state.
    """
    body = {"device_id": server, "device_owner": "compute:nova" if server else ""}
    await ctx.cloud.network.put(f"/ports/{port}", {"port": body})


async def reach_by(ctx: Context, floating_ip: str, port: str | None, address: str | None = None) -> None:
    """Point a floating IP at a port, or at none."""
    body = {"port_id": port} | ({"fixed_ip_address": address} if address else {})
    try:
        await ctx.cloud.network.put(f"/floatingips/{floating_ip}", {"floatingip": body})
    except CloudNotFound:
        if port:
            raise
