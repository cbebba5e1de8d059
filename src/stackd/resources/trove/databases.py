"""What instances and clusters of databases have in common: datastores and networks."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from typing import Any, Final

from stackd.clients.cloud import Cloud
from stackd.clients.lookup import Collection
from stackd.errors import CloudNotFound, PropertyError, ResourceFailure
from stackd.resources.constraints import custom
from stackd.resources.context import JSON, Context, Probe
from stackd.resources.rules import is_set
from stackd.resources.schema import Properties, prop

SERVICE: Final = "database"
FLAVORS: Final = Collection("Flavor", SERVICE, "/flavors", "flavors", whole=True, id="str_id")
"""The flavors. They have a further id, a number, which is null in most clouds."""


class NetworkProps(Properties):
    """A network that a database is reached by."""

    network: str | None = prop("Name or id of the network.", find="neutron.network")
    port: str | None = prop(
        "Name or id of the port, for services that take ports of others.", find="neutron.port"
    )
    fixed_ip: str | None = prop(
        "Address in the network; any that is free if left out.", constraints=[custom("ip_addr")]
    )


def check_networks(networks: Any) -> None:
    """Each is a network or a port."""
    for each in networks if isinstance(networks, list) else ():
        if isinstance(each, NetworkProps) and is_set(each.network) is is_set(each.port):
            raise PropertyError(
                "Either network or port must be provided.",
                path="properties.networks",
                remedy="Give one of them, and not both.",
            )


async def nics(ctx: Context, networks: Iterable[NetworkProps], word: str = "net-id") -> list[JSON]:
    """The networks as a request has them, each under ``word``; an address comes with its subnet."""
    return [await _nic(ctx, each, word) for each in networks]


async def _nic(ctx: Context, network: NetworkProps, word: str) -> JSON:
    if network.port:
        return {"port-id": network.port}
    nic = {word: network.network}
    if network.fixed_ip:
        subnet = await _subnet_of(ctx, str(network.network), network.fixed_ip)
        nic |= {"subnet_id": subnet, "ip_address": network.fixed_ip}
    return nic


async def _subnet_of(ctx: Context, network: str, address: str) -> str:
    """The id of the subnet of a network that an address is in."""
    found = await ctx.cloud.network.list_all("/subnets", "subnets", {"network_id": network})
    for each in found:
        if ipaddress.ip_address(address) in ipaddress.ip_network(each["cidr"]):
            return str(each["id"])
    raise ResourceFailure(f"No subnet of the network {network} has the address {address}.")


def datastore(kind: str | None, version: str | None) -> JSON:
    """A datastore as a request has it, empty for the service's default."""
    return {name: value for name, value in (("type", kind), ("version", version)) if value}


async def check_datastore(ctx: Probe, kind: Any, version: Any) -> None:
    """The service has the datastore, in this version. What is not known yet is not asked for."""
    if not (kind and isinstance(kind, str) and isinstance(version, str | None)):
        return
    path, remedy = "properties.datastore_type", "Choose one that the service has."
    if "/" in kind or kind in (".", ".."):
        raise PropertyError(f"Datastore type {kind} is not valid.", path=path, remedy=remedy)
    try:
        found = await _versions(ctx.cloud, kind)
    except CloudNotFound:
        raise PropertyError(f"Datastore type {kind} is not valid.", path=path, remedy=remedy) from None
    if version and not any(version in (each["name"], each["id"]) for each in found):
        allowed = ", ".join(sorted({each["name"] for each in found})) or "none"
        raise PropertyError(
            f"Datastore version {version} for datastore type {kind} is not valid. "
            f"Allowed versions are {allowed}.",
            path="properties.datastore_version",
            remedy=remedy,
        )


async def _versions(cloud: Cloud, kind: str) -> list[JSON]:
    path = f"/datastores/{kind}/versions"
    found: list[JSON] = await cloud.service(SERVICE).list_all(path, "versions")
    return found
