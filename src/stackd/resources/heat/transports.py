"""How a server with software config gets its metadata: the section ``os-collect-config``."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote

from stackd.errors import CloudNotFound, PropertyError
from stackd.records import Resource
from stackd.resources.constraints import length, one_of
from stackd.resources.context import Context
from stackd.resources.heat import guests
from stackd.resources.schema import IN_PLACE, Properties, prop

SECTION: Final = "os-collect-config"
FORMAT: Final = "SOFTWARE_CONFIG"
"""The format of the user data of servers that get software deployments."""

_KEYS = {
    "cfn": ("metadata_url", "access_key_id", "secret_access_key", "stack_name", "path"),
    "heat": ("user_id", "password", "auth_url", "project_id", "stack_id", "resource_name", "region_name"),
    "request": ("metadata_url",),
    "zaqar": ("user_id", "password", "auth_url", "project_id", "queue_id", "region_name"),
}


class SwiftData(Properties):
    """Where the metadata of a server is put for it to read."""

    container: str | None = prop("Name of the container.", constraints=[length(1)])
    object: str | None = prop("Name of the object.", constraints=[length(1)])


class PolledProps(Properties):
    """The properties of every kind of server that say how it gets its metadata."""

    software_config_transport: str = prop(
        "How the server gets its metadata.",
        default="POLL_SERVER_CFN",
        constraints=[one_of("POLL_SERVER_CFN", "POLL_SERVER_HEAT", "POLL_TEMP_URL", "ZAQAR_MESSAGE")],
        update=IN_PLACE,
    )
    deployment_swift_data: SwiftData = prop(
        "Where in Swift the metadata is put for POLL_TEMP_URL.", default={}, update=IN_PLACE, since="9.0.0"
    )


def require_free(metadata: Mapping[str, Any]) -> None:
    """Refuse metadata of a template that would hide what a server is to do."""
    if "deployments" in metadata:
        raise PropertyError(
            "The metadata of a server with software config cannot have the key deployments.",
            path="metadata",
            remedy="Call it otherwise: under this name the server gets its software deployments.",
        )


def own_section(stored: Mapping[str, Any], written: Mapping[str, Any]) -> dict[str, Any]:
    """What a server has in its metadata of how it gets them, beside what a template has ``written`` there."""
    if SECTION not in stored:
        return {}
    own = {key: value for key, value in stored[SECTION].items() if key == "collectors" or key in _KEYS}
    return {SECTION: {**(written.get(SECTION) or {}), **own}}


async def prepare(ctx: Context, props: PolledProps, *first: str) -> None:
    """Open the way by which the server gets its metadata, and describe it in the metadata.

    ``first`` are the collectors that the guest asks before it. A way that was open before brings a last
    message, which names the new one. Safe to run again.
    """
    before = dict(ctx.resource.metadata.get(SECTION) or {})
    collector, settings = await _settings(ctx, props)
    blank = {name: dict.fromkeys(_KEYS[name]) for name in before.keys() & _KEYS.keys() if name != collector}
    section = {**before, "collectors": [*first, collector, "local"], collector: settings, **blank}
    if section != before:
        await ctx.put_metadata({**ctx.resource.metadata, SECTION: section})
    for channel in _left(ctx.data):
        await _send(ctx, channel, await whole_metadata(ctx, ctx.resource))
    await push(ctx, ctx.resource)


async def _settings(ctx: Context, props: PolledProps) -> tuple[str, dict[str, Any]]:
    """The collector of the transport and what it has to know, once the channel of the transport is there."""
    transport = props.software_config_transport
    if transport == "POLL_TEMP_URL":
        return "request", {"metadata_url": await _object(ctx, props)}
    user = await ctx.users.make(keypair=transport == "POLL_SERVER_CFN")
    login = guests.credentials(ctx, user)
    name = ctx.resource.name
    if transport == "ZAQAR_MESSAGE":
        queue = ctx.physical_name
        await guests.make_queue(ctx, login, queue)
        await _turn_to(ctx, {"metadata_queue_id": queue, "metadata_login": login})
        known = login | {"queue_id": queue}
        return "zaqar", {key: known[key] for key in _KEYS["zaqar"]}
    await _turn_to(ctx, {})
    if transport == "POLL_SERVER_HEAT":
        known = login | {"stack_id": f"{ctx.stack.name}/{ctx.stack.id}", "resource_name": name}
        return "heat", {key: known[key] for key in _KEYS["heat"]}
    return "cfn", {
        "metadata_url": f"{ctx.endpoints.cfn}/",
        "access_key_id": user.access_key,
        "secret_access_key": user.secret_key,
        "stack_name": ctx.stack.name,
        "path": f"{name}.Metadata",
    }


async def _object(ctx: Context, props: PolledProps) -> str:
    """The URL by which a server reads its metadata in Swift."""
    place = props.deployment_swift_data
    container = (place and place.container) or ctx.physical_name
    name = (place and place.object) or ctx.resource.id
    await ctx.cloud.object_store.request("PUT", f"/{container}")
    url = await guests.object_url(ctx, container, name, "PUT")
    await _turn_to(
        ctx, {"metadata_put_url": url, "metadata_container": container, "metadata_object_name": name}
    )
    return await guests.object_url(ctx, container, name, "GET")


# --- channels: where the metadata of a server are sent ------------------------------------------

_CHANNEL: Final = (
    "metadata_put_url",
    "metadata_container",
    "metadata_object_name",
    "metadata_queue_id",
    "metadata_login",
)
"""The private values that describe where metadata are sent: an object in Swift, or a queue in Zaqar."""

Channel = Mapping[str, Any]


def _channel(data: Mapping[str, Any]) -> dict[str, Any]:
    return {key: data[key] for key in _CHANNEL if key in data}


def _left(data: Mapping[str, Any]) -> list[Channel]:
    """The channels that were used before; the server may still read there."""
    return list(data.get("metadata_left") or ())


async def _turn_to(ctx: Context, channel: Channel) -> None:
    """Send metadata there from now on; the channel before is noted, to go with the server."""
    before = _channel(ctx.data)
    if before == channel:
        return
    left = [each for each in (*_left(ctx.data), before) if each and each != channel]
    await ctx.put_data(**{**dict.fromkeys(_CHANNEL), **channel}, metadata_left=left or None)


def sends(server: Resource) -> bool:
    """Whether the metadata of a server are sent somewhere, instead of being read from stackd."""
    return bool(_channel(server.data))


async def push(ctx: Context, server: Resource) -> None:
    """Send the metadata of a server to where it polls, unless it polls stackd.

    They are sent again if what it is to do has changed meanwhile: so another process, which has sent what
    was older by then, does not have the last word.
    """
    channel = _channel(server.data)
    if not channel:
        return
    sent = None
    while (metadata := await whole_metadata(ctx, server)) != sent:
        await _send(ctx, channel, metadata)
        sent = metadata


async def whole_metadata(ctx: Context, server: Resource) -> dict[str, Any]:
    """The metadata of a server as its guest reads them: with what it is to do."""
    deployments = await ctx.software.of_server(server.physical_id) if server.physical_id else []
    return {**server.metadata, "deployments": deployments}


async def _send(ctx: Context, channel: Channel, metadata: Mapping[str, Any]) -> None:
    if "metadata_object_name" in channel:
        await ctx.cloud.object_store.request("PUT", _path(channel), content=json.dumps(metadata))
    if "metadata_queue_id" in channel:
        await guests.send_message(ctx, channel["metadata_login"], channel["metadata_queue_id"], metadata)


def _path(channel: Channel) -> str:
    return f"/{channel['metadata_container']}/{quote(channel['metadata_object_name'])}"


async def close(ctx: Context) -> None:
    """Remove what ``prepare`` made. Idempotent: ignores 404."""
    for channel in (*_left(ctx.data), _channel(ctx.data)):
        if "metadata_object_name" in channel:
            await _remove_object(ctx, channel)
        if "metadata_queue_id" in channel:
            await guests.remove_queue(ctx, channel["metadata_login"], channel["metadata_queue_id"])
    await ctx.users.remove()


async def _remove_object(ctx: Context, channel: Channel) -> None:
    """Remove the object, and the container if it was made for it."""
    store, container = ctx.cloud.object_store, channel["metadata_container"]
    paths = [_path(channel), *([f"/{container}"] if container == ctx.physical_name else [])]
    for path in paths:
        with contextlib.suppress(CloudNotFound):
            await store.delete(path)
