"""By which port an instance is reached from outside, and floating IPs that lead there."""

from __future__ import annotations

from contextlib import suppress

from stackd.errors import CloudNotFound, ResourceFailure
from stackd.resources.context import JSON, Context
from stackd.resources.nova import ports
from stackd.resources.nova.interfaces import addresses


async def port_of_instance(ctx: Context, server: str) -> str:
    """The first port of a server that has an address of IPv4; fails where there is none."""
    for interface in await ports.interfaces(ctx, server):
        if any("." in address for address in addresses(interface)):
            return str(interface["port_id"])
    raise ResourceFailure(f"Instance {server} has no address that a floating IP could be translated to.")


async def reach_port(ctx: Context, floating_ip: str, port: str | None) -> None:
    """Let a floating IP lead to a port, or nowhere."""
    await ctx.cloud.network.put(f"/floatingips/{floating_ip}", {"floatingip": {"port_id": port}})


async def leave_port(ctx: Context, floating_ip: str, port: str) -> None:
    """Let a floating IP lead nowhere; one that leads to another port by now, or is gone, is left alone."""
    with suppress(CloudNotFound):
        live: JSON = (await ctx.cloud.network.get(f"/floatingips/{floating_ip}"))["floatingip"]
        if live["port_id"] == port:
            await reach_port(ctx, floating_ip, None)
