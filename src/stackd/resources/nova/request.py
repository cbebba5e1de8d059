"""The request for a new server."""

from __future__ import annotations

import base64
import uuid
from collections.abc import Mapping
from typing import Any

from stackd.resources.context import JSON, Context
from stackd.resources.heat import transports
from stackd.resources.nova import blocks, networks
from stackd.resources.nova.hints import with_stack
from stackd.resources.nova.server_props import ServerProps
from stackd.resources.nova.user_data import build

_BEFORE_NETWORKS = "2.36"  # the last one that finds networks by itself when none are named
_BEFORE_FILES_WENT = "2.56"


async def new_server(ctx: Context, props: ServerProps, fields: JSON) -> tuple[JSON, str | None]:
    """The body of the request for a new server with these fields, and the version of the API for it."""
    server = {"imageRef": "", **fields}
    optional = {
        "user_data": await user_data(ctx, props),
        "security_groups": [{"name": each} for each in props.security_groups],
        "personality": _files(props.personality),
        "block_device_mapping": blocks.mapping_v1(props.block_device_mapping or ()),
        "block_device_mapping_v2": blocks.mapping_v2(props.image, props.block_device_mapping_v2 or ()),
        "networks": await networks.first(ctx, props),
    }
    server |= {key: value for key, value in optional.items() if value}
    request: JSON = {"server": server}
    if hints := with_stack(ctx, props.scheduler_hints):
        request["os:scheduler_hints"] = hints
    version = None
    if props.personality:
        version = _BEFORE_FILES_WENT
        server.setdefault("networks", "auto")
    elif "networks" not in server and not _needs_new_api(props):
        version = _BEFORE_NETWORKS
    else:
        server.setdefault("networks", "auto")
    return request, version


def _needs_new_api(props: ServerProps) -> bool:
    return any(each.data.get("volume_type") for each in props.block_device_mapping_v2 or ())


def _files(personality: Mapping[str, Any] | None) -> list[dict[str, str]]:
    return [
        {"path": path, "contents": base64.b64encode(str(text).encode()).decode()}
        for path, text in (personality or {}).items()
    ]


async def user_data(ctx: Context, props: ServerProps) -> str:
    """User data as the request takes it; the id of a software config stands for its text."""
    text = props.user_data
    if props.user_data_format != "HEAT_CFNTOOLS" and _is_uuid(text):
        config = await ctx.software.config(text)
        text = str((config.content.get("config") if config else None) or text)
    metadata: Mapping[str, Any] = ctx.resource.metadata
    if props.user_data_format == transports.FORMAT:
        metadata = await transports.whole_metadata(ctx, ctx.resource)
    built = build(props.user_data_format, text, metadata, ctx.endpoints.cfn, ctx.endpoints.watch)
    return base64.b64encode(built.encode()).decode()


def _is_uuid(text: str) -> bool:
    try:
        return str(uuid.UUID(text)) == text.lower()
    except ValueError:
        return False
