"""What all objects of the key manager have in common: their ids are URLs, and payloads are read apart."""

from __future__ import annotations

import base64
from datetime import UTC
from typing import Final

from stackd.clients.cloud import Cloud
from stackd.resources.base import P
from stackd.resources.context import JSON, Context
from stackd.resources.entity import Entity
from stackd.resources.rest import RestResource
from stackd.template.named import read_time

TEXT: Final = "text/plain"
BINARY: Final = "application/octet-stream"
_ARMOR: Final = b"-----BEGIN "
_PAGE: Final = {"limit": "100"}
"""The largest page of a list."""


def kept(plural: str) -> Entity:
    """The collection of one kind of object of the key manager."""
    ref = f"{plural.removesuffix('s')}_ref"
    return Entity("key-manager", f"/{plural}", "", plural, list_query=_PAGE, id_field=ref, by_url=True)


SECRETS: Final = kept("secrets")


class Kept(RestResource[P]):
    """An object of the key manager. All that the service returns of a new one is its URL, the physical id."""

    async def create(self, ctx: Context, props: P) -> None:
        """Make the object; nothing else is known of it yet."""
        made = await self.make(ctx, props)
        await ctx.created(made[self.entity.id_field])


def moment(text: str) -> str:
    """A time in the form in which the service shows it."""
    found = read_time(text)
    return text if found is None else found.astimezone(UTC).replace(tzinfo=None).isoformat()


async def payload_of(cloud: Cloud, ref: str) -> str | None:
    """The payload of a secret, None if it has none; bytes that are no text come in base64."""
    service, path = cloud.service(SECRETS.service), SECRETS.at(ref)
    secret: JSON = await service.get(path)
    kind = (secret.get("content_types") or {}).get("default")
    if kind is None:
        return None
    reply = await service.request("GET", f"{path}/payload", headers={"Accept": kind})
    return _as_text(reply.content, kind)


def _as_text(payload: bytes, kind: str) -> str:
    """Keys and certificates in PEM are text, whatever the service calls them."""
    is_text = kind == TEXT or payload.startswith(_ARMOR)
    return payload.decode(errors="replace") if is_text else base64.b64encode(payload).decode()
