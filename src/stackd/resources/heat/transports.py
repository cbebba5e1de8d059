"""How a server with software config gets its metadata: the section ``os-collect-config``."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from stackd.errors import CloudNotFound
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


async def prepare(ctx: Context, props: PolledProps, *first: str) -> None:
    """Open the way by which the server gets its metadata, and describe it in the metadata.

    ``first`` are the collectors that the guest asks before it.
    """
    before = dict(ctx.resource.metadata.get(SECTION) or {})
    collector, settings = await _settings(ctx, props)
    blank = {name: dict.fromkeys(_KEYS[name]) for name in before.keys() & _KEYS.keys() if name != collector}
    section = {"collectors": [*first, collector, "local"], collector: settings, **blank}
    if section != before:
        await ctx.put_metadata({**ctx.resource.metadata, SECTION: section})
        await push(ctx)


async def _settings(ctx: Context, props: PolledProps) -> tuple[str, dict[str, Any]]:
    transport = props.software_config_transport
    if transport == "POLL_TEMP_URL":
        return "request", {"metadata_url": await _object(ctx, props)}
    user = await ctx.stack_user(keypair=transport == "POLL_SERVER_CFN")
    login = guests.credentials(ctx, user)
    name = ctx.resource.name
    if transport == "POLL_SERVER_CFN":
        return "cfn", {
            "metadata_url": f"{ctx.endpoints.cfn}/",
            "access_key_id": user.access_key,
            "secret_access_key": user.secret_key,
            "stack_name": ctx.stack.name,
            "path": f"{name}.Metadata",
        }
    if transport == "POLL_SERVER_HEAT":
        known = login | {"stack_id": f"{ctx.stack.name}/{ctx.stack.id}", "resource_name": name}
        return "heat", {key: known[key] for key in _KEYS["heat"]}
    queue = ctx.physical_name
    await guests.make_queue(ctx, login, queue)
    await ctx.put_data(metadata_queue_id=queue, metadata_login=login)
    known = login | {"queue_id": queue}
    return "zaqar", {key: known[key] for key in _KEYS["zaqar"]}


async def _object(ctx: Context, props: PolledProps) -> str:
    place = props.deployment_swift_data
    container = (place and place.container) or ctx.physical_name
    name = (place and place.object) or ctx.resource.id
    await ctx.cloud.object_store.request("PUT", f"/{container}")
    url = await guests.object_url(ctx, container, name, "PUT")
    await ctx.put_data(metadata_put_url=url, metadata_container=container, metadata_object_name=name)
    return await guests.object_url(ctx, container, name, "GET")


async def push(ctx: Context) -> None:
    """Send the metadata to where the server polls for it, unless it polls stackd."""
    data = ctx.data
    if "metadata_object_name" in data:
        path = f"/{data['metadata_container']}/{data['metadata_object_name']}"
        await ctx.cloud.object_store.request("PUT", path, content=json.dumps(ctx.resource.metadata))
    if "metadata_queue_id" in data:
        await guests.send_message(
            ctx, data["metadata_login"], data["metadata_queue_id"], dict(ctx.resource.metadata)
        )


async def close(ctx: Context) -> None:
    """Remove what ``prepare`` made."""
    data: Mapping[str, Any] = ctx.data
    if "metadata_object_name" in data:
        store = ctx.cloud.object_store
        for path in (f"/{data['metadata_container']}/{data['metadata_object_name']}",):
            try:
                await store.delete(path)
            except CloudNotFound:
                continue
    if "metadata_queue_id" in data:
        await guests.remove_queue(ctx, data["metadata_login"], data["metadata_queue_id"])
    await ctx.remove_stack_user()
