"""OS::Swift::Container, a named set of objects in the object store."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar
from urllib.parse import quote, urlsplit

from stackd.errors import CloudNotFound
from stackd.resources.base import ResourceType, attr
from stackd.resources.context import Context
from stackd.resources.registry import resource_type
from stackd.resources.schema import Properties, prop

_COUNTERS: Mapping[str, str] = {
    "ObjectCount": "x-container-object-count",
    "BytesUsed": "x-container-bytes-used",
}


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


@resource_type("OS::Swift::Container")
class Container(ResourceType[ContainerProps]):
    """Holds objects; its physical id is its name."""

    properties = ContainerProps
    service = "object-store"
    checkable = True
    attributes: ClassVar = {
        "DomainName": attr("Host name of the object store.", lazy=True),
        "WebsiteURL": attr("URL of the container.", lazy=True),
        "RootURL": attr("URL of the account.", lazy=True),
        "ObjectCount": attr("Number of objects.", "integer", lazy=True),
        "BytesUsed": attr("Size of all objects in bytes.", "integer", lazy=True),
        "HeadContainer": attr("Everything that the store says of the container.", "map", lazy=True),
    }

    async def create(self, ctx: Context, props: ContainerProps) -> None:
        """Make the container; to make it again does no harm."""
        name = props.name or ctx.physical_name
        acls = {header: props.data[header] for header in ("X-Container-Read", "X-Container-Write")}
        headers = {header: acl for header, acl in acls.items() if acl is not None}
        headers |= _metadata("X-Container-Meta", props.metadata)
        await ctx.cloud.object_store.request("PUT", _path(name), headers=headers)
        await ctx.created(name)

    async def configure(self, ctx: Context, props: ContainerProps) -> None:
        """Set the account's metadata."""
        if headers := _metadata("X-Account-Meta", props.account_metadata):
            await ctx.cloud.object_store.request("POST", "", headers=headers)

    async def delete(self, ctx: Context, props: ContainerProps) -> None:
        """Delete the container, after its objects if they may be purged; the store refuses a full one."""
        path = _path(ctx.physical_id)
        if props.purge:
            await _purge(ctx, path)
        await ctx.cloud.object_store.delete(path)

    async def check(self, ctx: Context, props: ContainerProps) -> None:
        """The container must exist."""
        await ctx.cloud.object_store.head(_path(ctx.physical_id))

    async def lazy_attribute(self, ctx: Context, name: str) -> Any:
        """What the store says of the container now, or where it is."""
        store = ctx.cloud.object_store
        if name in ("DomainName", "RootURL", "WebsiteURL"):
            account = await store.endpoint()
            located = {"RootURL": account, "WebsiteURL": account + _path(ctx.physical_id)}
            return located.get(name) or urlsplit(account).hostname
        headers = {key.lower(): value for key, value in (await store.head(_path(ctx.physical_id))).items()}
        return int(headers.get(_COUNTERS[name], 0)) if name in _COUNTERS else headers


def _path(container: str, item: str = "") -> str:
    """Where a container or an object in it is; the store's names may have any characters."""
    path = f"/{quote(container, safe='')}"
    return f"{path}/{quote(item)}" if item else path


def _metadata(prefix: str, values: Mapping[str, Any] | None) -> dict[str, str]:
    return {f"{prefix}-{key}": str(value) for key, value in (values or {}).items()}


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
        await ctx.cloud.object_store.delete(_path(ctx.physical_id, name))
    except CloudNotFound:
        return
