"""OS::Swift::Container, a named set of objects in the object store."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, ClassVar

from stackd.errors import CloudNotFound
from stackd.resources.attributes import attr
from stackd.resources.base import ResourceType
from stackd.resources.context import Context, Reading
from stackd.resources.registry import resource_type
from stackd.resources.schema import Properties, prop
from stackd.resources.swift.places import account_url, container_url, host, metadata_headers, path_of


class ContainerProps(Properties):
    """Properties of a container."""

    name: str | None = prop("Name of the container.")
    read_acl: str | None = prop("Who may read the objects.", name="X-Container-Read")
    write_acl: str | None = prop("Who may write objects.", name="X-Container-Write")
    metadata: dict[str, Any] = prop("Metadata of the container.", name="X-Container-Meta", default={})
    account_metadata: dict[str, Any] = prop(
        "Metadata of the account to which the container belongs.", name="X-Account-Meta", default={}
    )
    purge: bool = prop(
        "Whether the objects are deleted with the container, which is kept otherwise unless it is empty.",
        name="PurgeOnDelete",
        default=False,
        since="2015.1",
    )


async def _headers(ctx: Reading) -> dict[str, str]:
    """The container's metadata in the store."""
    found = await ctx.cloud.object_store.head(path_of(ctx.physical_id))
    return {key.lower(): value for key, value in found.items()}


def _counter(header: str) -> Callable[[Reading], Awaitable[int]]:
    async def read(ctx: Reading) -> int:
        return int((await _headers(ctx)).get(header, 0))

    return read


@resource_type("OS::Swift::Container")
class Container(ResourceType[ContainerProps]):
    """Holds objects; its physical id is its name."""

    service = "object-store"
    checkable = True
    attributes: ClassVar = {
        "DomainName": attr("Host name of the object store.", read=host),
        "WebsiteURL": attr("URL of the container.", read=container_url),
        "RootURL": attr("URL of the account.", read=account_url),
        "ObjectCount": attr("Number of objects.", "integer", read=_counter("x-container-object-count")),
        "BytesUsed": attr(
            "Size of all objects in bytes.", "integer", read=_counter("x-container-bytes-used")
        ),
        "HeadContainer": attr("Everything that the store says of the container.", "map", read=_headers),
    }

    async def create(self, ctx: Context, props: ContainerProps) -> None:
        """Make the container; to make it again does no harm."""
        name = props.name or ctx.physical_name
        acls = {header: props.data[header] for header in ("X-Container-Read", "X-Container-Write")}
        headers = {header: acl for header, acl in acls.items() if acl is not None}
        headers |= metadata_headers("X-Container-Meta", props.metadata)
        await ctx.cloud.object_store.request("PUT", path_of(name), headers=headers)
        await ctx.created(name)

    async def configure(self, ctx: Context, props: ContainerProps) -> None:
        """Set the account's metadata."""
        if headers := metadata_headers("X-Account-Meta", props.account_metadata):
            await ctx.cloud.object_store.request("POST", "", headers=headers)

    async def delete(self, ctx: Context, props: ContainerProps) -> None:
        """Delete the container, after its objects if they may be purged; the store refuses a full one."""
        path = path_of(ctx.physical_id)
        if props.purge:
            await _purge(ctx, path)
        await ctx.cloud.object_store.delete(path)

    async def check(self, ctx: Context, props: ContainerProps) -> None:
        """The container must exist."""
        await ctx.cloud.object_store.head(path_of(ctx.physical_id))


async def _purge(ctx: Context, path: str) -> None:
    """Delete all objects, page by page."""
    query = {"format": "json"}
    while page := await ctx.cloud.object_store.get(path, query):
        await _delete_all(ctx, [entry["name"] for entry in page])
        query = {"format": "json", "marker": page[-1]["name"]}


async def _delete_all(ctx: Context, names: Iterable[str]) -> None:
    try:
        async with asyncio.TaskGroup() as group:
            for name in names:
                group.create_task(_delete_object(ctx, name))
    except ExceptionGroup as failures:
        raise failures.exceptions[0] from None


async def _delete_object(ctx: Context, name: str) -> None:
    try:
        await ctx.cloud.object_store.delete(path_of(ctx.physical_id, name))
    except CloudNotFound:
        return
