"""Where the objects of a type live in the API of a service, and when they can be used."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from stackd.errors import ResourceInError
from stackd.resources.context import JSON, Context


@dataclass(frozen=True, slots=True)
class Entity:
    """The API collection in which a type's objects live.

    ``service`` is the attribute of ``Cloud`` (``compute``, ``network`` …) or a catalog type; ``path``
    the collection (``/servers``), ``key`` the envelope of one object, ``plural`` of a list, empty where
    there is no list;
    ``list_path`` where a list has full objects (``/servers/detail``) and ``list_query`` what has to be
    asked for to see all. ``update`` is the verb of a change, None where objects cannot be changed.
    ``tags`` is true if an object has a collection of tags.

    An object whose id was never stored is found again by its deterministic name in ``name_field``, or,
    where several objects may have one name, by ``mark``: a further field, which the service keeps for its
    clients, with the id of the resource. ``found_by`` are the fields that the service can filter by.
    Without a name and a mark objects cannot be found so.
    """

    service: str
    path: str
    key: str
    plural: str
    update: str | None = None
    list_path: str = ""
    list_query: Mapping[str, str] = field(default_factory=dict, hash=False)
    id_field: str = "id"
    name_field: str = "name"
    mark: str = ""
    found_by: tuple[str, ...] = ("name",)
    tags: bool = False

    @property
    def listing(self) -> str:
        """Where to list full objects."""
        return self.list_path or self.path

    def wrap(self, body: JSON) -> JSON:
        """An object in its envelope, as a request takes it."""
        return {self.key: body} if self.key else body

    def unwrap(self, reply: JSON) -> JSON:
        """The object in an answer."""
        return reply[self.key] if self.key else reply


@dataclass(frozen=True, slots=True)
class Readiness:
    """The statuses with which an object can be used, and those which lead there; all others are errors."""

    ready: tuple[str, ...]
    working: tuple[str, ...] = ()
    field: str = "status"

    def is_reached(self, live: JSON) -> bool:
        """Whether the object can be used; ``ResourceInError`` when it never will."""
        return settled(live[self.field], ready=self.ready, working=self.working)


def settled(status: str, *, ready: str | Collection[str], working: Collection[str]) -> bool:
    """Whether a status means ready; ``ResourceInError`` for any that is neither ready nor working."""
    accepted = (ready,) if isinstance(ready, str) else ready
    if status in accepted:
        return True
    if status in working:
        return False
    raise ResourceInError(f"Went to status {status}" + (' due to "Unknown"' if status == "ERROR" else ""))


async def find_made(ctx: Context, entity: Entity, body: Mapping[str, Any]) -> list[JSON]:
    """Objects that a request with this body may have made."""
    proof = entity.mark or entity.name_field
    if not proof:
        return []
    query = {**entity.list_query, **{key: body.get(key) for key in entity.found_by}}
    listed = await ctx.cloud.service(entity.service).list_all(entity.listing, entity.plural, query)
    return [each for each in listed if each.get(proof) == body.get(proof)]
