"""Attributes of a server that are put together from several answers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from stackd.errors import CloudError
from stackd.resources.context import JSON, Reading
from stackd.resources.nova import ports

_CONSOLES = {
    "novnc": "vnc",
    "spice-html5": "spice",
    "rdp-html5": "rdp",
    "serial": "serial",
    "webmks": "mks",
}


def first_address(live: JSON) -> str | None:
    """Any address of the server."""
    return next((each["addr"] for found in _by_name(live).values() for each in found), None)


def _by_name(live: JSON) -> dict[str, list[JSON]]:
    return live.get("addresses") or {}


def _with_ids(by_name: dict[str, list[Any]], live: JSON, interfaces: Sequence[JSON]) -> dict[str, Any]:
    """The same lists under the ids of the networks, too."""
    owner = {
        fixed["ip_address"]: each["net_id"] for each in interfaces for fixed in each.get("fixed_ips") or ()
    }
    by_id = {
        owner[each["addr"]]: by_name[name]
        for name, found in _by_name(live).items()
        for each in found
        if each["addr"] in owner
    }
    return by_name | by_id


def networks(live: JSON, interfaces: Sequence[JSON]) -> dict[str, list[str]]:
    """Addresses by the names and ids of their networks."""
    by_name = {name: [each["addr"] for each in found] for name, found in _by_name(live).items()}
    return _with_ids(by_name, live, interfaces)


def addresses(live: JSON, interfaces: Sequence[JSON]) -> dict[str, list[JSON]]:
    """Addresses with their ports by the names and ids of their networks."""
    port = {
        fixed["ip_address"]: each["port_id"] for each in interfaces for fixed in each.get("fixed_ips") or ()
    }
    by_name = {
        name: [{**each, "port": port.get(each["addr"])} for each in found]
        for name, found in _by_name(live).items()
    }
    return _with_ids(by_name, live, interfaces)


async def networks_of(ctx: Reading) -> dict[str, list[str]]:
    """Addresses by the names and ids of their networks, read now."""
    return networks(await ctx.live(), await ports.interfaces(ctx))


async def addresses_of(ctx: Reading) -> dict[str, list[JSON]]:
    """Addresses with their ports by the names and ids of their networks, read now."""
    return addresses(await ctx.live(), await ports.interfaces(ctx))


async def console_urls(ctx: Reading) -> dict[str, str]:
    """The URL of each kind of console, or why there is none."""
    path = f"/servers/{ctx.physical_id}/remote-consoles"
    urls: dict[str, str] = {}
    for kind, protocol in _CONSOLES.items():
        body = {"remote_console": {"protocol": protocol, "type": kind}}
        try:
            urls[kind] = (await ctx.cloud.compute.post(path, body))["remote_console"]["url"]
        except CloudError as error:
            urls[kind] = error.message
    return urls
