"""What the objects of the network service have in common: collections, statuses, shared properties."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from stackd.clients.lookup import Collection
from stackd.errors import CloudConflict, CloudError
from stackd.resources.context import JSON, Context, Reading
from stackd.resources.entity import Entity, Readiness
from stackd.resources.schema import IN_PLACE, Support, prop

BUILT = Readiness(ready=("ACTIVE", "DOWN"), working=("BUILD",))
"""Of networks, ports, routers and trunks, which the service builds after it has answered."""

_PORTS = 5
"""Ports in the way that are named."""

_HIDDEN = Support("HIDDEN", "5.0.0", previous=Support("DEPRECATED", "2014.2"))


def network(key: str, *, plural: str = "", path: str = "", tags: bool = False, **others: Any) -> Entity:
    """The collection of one kind of object of the network service."""
    plural = plural or f"{key}s"
    path = path or f"/{plural.replace('_', '-')}"
    return Entity("network", path, key, plural, update="PUT", tags=tags, **others)


def names(title: str, path: str, *, whole: bool = True) -> Collection:
    """The collection in which objects of the network service are looked up by name."""
    key = path.rpartition("/")[2].replace("-", "_")
    params = {"fields": ["id", "name", "project_id"]}
    return Collection(title, "network", path, key, whole, params, absence=unable_to_find(key[:-1]))


def unable_to_find(noun: str) -> str:
    """The message for a missing object of the network service."""
    return f"Unable to find {noun} with name or id '{{name}}'"


@asynccontextmanager
async def naming_ports(ctx: Context, **query: str) -> AsyncIterator[None]:
    """A conflict inside names the ports in the way: those that ``query`` finds."""
    try:
        yield
    except CloudConflict as error:
        ports = await _ports(ctx, query)
        if not ports:
            raise
        shown = ", ".join(_port_text(port) for port in ports[:_PORTS])
        more = f" and {len(ports) - _PORTS} more" if len(ports) > _PORTS else ""
        text = f"{error.message} Ports in the way: {shown}{more}."
        raise CloudConflict(
            text, service=error.service, status=error.status, request_id=error.request_id
        ) from error


async def _ports(ctx: Context, query: dict[str, str]) -> list[JSON]:
    """The ports; none if they cannot be had, as they are only a hint."""
    try:
        return await ctx.cloud.network.list_all("/ports", "ports", query)
    except CloudError:
        return []


def _port_text(port: JSON) -> str:
    """A port with what uses it: `web-port 4f2b… (compute:nova of 83a1…)`."""
    owner, device = port.get("device_owner") or "unused", port.get("device_id")
    name = " ".join(filter(None, (port.get("name"), port["id"])))
    return f"{name} ({owner} of {device})" if device else f"{name} ({owner})"


def owner(kind: str, **others: Any) -> Any:
    """Declare the property ``tenant_id``."""
    return prop(f"Project that owns the {kind}; only administrators may choose another.", **others)


def value_specs(update: Any = IN_PLACE) -> Any:
    """Declare the property ``value_specs``."""
    return prop("Further fields of the request, for extensions of the API.", default={}, update=update)


def tags(kind: str, since: str = "9.0.0") -> Any:
    """Declare the property ``tags``."""
    return prop(f"Tags of the {kind}.", update=IN_PLACE, since=since)


def former(now: str, find: str, description: str = "", support: Support = _HIDDEN) -> Any:
    """Declare a property that has another name ``now``."""
    return prop(description, find=find, moved_to=now, support=support)


async def segments_of(ctx: Reading) -> list[JSON]:
    """The segments of a network, those without a name first."""
    found = await ctx.cloud.network.list_all("/segments", "segments", {"network_id": ctx.physical_id})
    return sorted(found, key=lambda segment: (segment["name"] is not None, segment["name"] or ""))
