"""What the objects of the identity service have in common: a mark, and changes by PATCH.

The service does not say when an object was made. What an interrupted creation has made could not be
told from an older object of the same name, which belongs to somebody else; so every object carries
the id of its resource, as one of the further fields that the service keeps for its clients.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from stackd.resources.base import Entity
from stackd.resources.context import JSON, Context
from stackd.resources.schema import Properties, Support

_NOTHING = (None, "")
_MARK = "stackd_resource"


def since(version: str) -> Support:
    """A type that exists since this version, of which the service must speak version 3."""
    return Support(version=version, message="Needs version 3 of the Identity API.")


def creation(ctx: Context, props: Properties, names: Mapping[str, str]) -> JSON:
    """The body of a creation: the API's names of the properties that have a value."""
    body = {api: props.data[name] for name, api in names.items() if props.data.get(name) not in _NOTHING}
    return {"name": ctx.physical_name, _MARK: ctx.resource.id} | body


async def create(ctx: Context, entity: Entity, body: JSON) -> None:
    """Make the object and report it."""
    live = (await ctx.cloud.identity.post(entity.path, {entity.key: body}))[entity.key]
    await ctx.created(live["id"], live)


async def update(
    ctx: Context, entity: Entity, old: Properties, new: Properties, names: Mapping[str, str]
) -> None:
    """Send what differs; a name that was taken away becomes the deterministic one."""
    changed = new.changed_from(old, *names)
    body: dict[str, Any] = {names[name]: value for name, value in changed.items()}
    if "name" in body and body["name"] in _NOTHING:
        body["name"] = ctx.physical_name
    if body:
        await ctx.cloud.identity.patch(f"{entity.path}/{ctx.physical_id}", {entity.key: body})


async def find(ctx: Context, entity: Entity, props: Properties) -> list[JSON]:
    """Objects that the resource has made."""
    name = props.data.get("name") or ctx.physical_name
    query = {"name": name, "domain_id": props.data.get("domain") or None}
    found = await ctx.cloud.identity.list_all(entity.path, entity.plural, query)
    return [each for each in found if each.get(_MARK) == ctx.resource.id]
