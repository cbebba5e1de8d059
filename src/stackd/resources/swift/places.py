"""Where containers and objects are, and their metadata in headers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlsplit

from stackd.resources.context import Reading


def path_of(container: str, item: str = "") -> str:
    """Where a container or an object in it is; the store's names may have any characters."""
    path = f"/{quote(container, safe='')}"
    return f"{path}/{quote(item)}" if item else path


async def account_url(ctx: Reading) -> str:
    """The URL of the project's account."""
    return await ctx.cloud.object_store.endpoint()


async def host(ctx: Reading) -> str | None:
    """The host name of the object store."""
    return urlsplit(await account_url(ctx)).hostname


async def container_url(ctx: Reading) -> str:
    """The URL of the container that a resource is."""
    return await account_url(ctx) + path_of(ctx.physical_id)


def metadata_headers(prefix: str, values: Mapping[str, Any] | None) -> dict[str, str]:
    """Metadata as a request has them."""
    return {f"{prefix}-{key}": str(value) for key, value in (values or {}).items()}
