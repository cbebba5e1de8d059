"""Where the objects of a type live in the API of a service, and when they can be used."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from stackd.errors import ResourceFailure, ResourceInError
from stackd.records import Resource

if TYPE_CHECKING:
    from stackd.resources.context import Context

JSON = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Entity:
    """The API collection in which a type's objects live.

    ``service`` is the attribute of ``Cloud`` (``compute``, ``network`` …) or a catalog type; ``path``
    the collection (``/servers``), ``key`` the envelope of one object, ``plural`` of a list, empty where
    there is no list;
    ``list_path`` where a list has full objects (``/servers/detail``) and ``list_query`` what has to be
    asked for to see all, and many on a page. ``update`` is the verb of a change, None where objects cannot
    be changed. ``tags`` is true if an object has a collection of tags.

    An object whose id was never stored is found again by its deterministic name in ``name_field``, or,
    where several objects may have one name, by ``mark``: a further field, which the service keeps for its
    clients, with the id of the resource. Objects without names of which there can be only one with the same
    values are ``distinct``: all that the request has tells them apart. ``found_by`` are the fields that the
    service can filter by. Without any of these objects cannot be found so.

    A collection inside another object has that object's id in its path, by the name of a property:
    ``/pools/{pool}/members``. Where the property may be a name, the id is a private value called like it,
    stored before the object is made.

    Objects that are known ``by_url`` have a URL as their id, whose last part stands in their path.
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
    distinct: bool = False
    found_by: tuple[str, ...] = ("name",)
    tags: bool = False
    by_url: bool = False

    @property
    def listing(self) -> str:
        """Where to list full objects."""
        return self.list_path or self.path

    @property
    def is_inside(self) -> bool:
        """Whether each resource has a collection of its own, inside another object."""
        return "{" in self.path

    def of(self, resource: Resource) -> Entity:
        """The collection in which the object of a resource is; ``ResourceFailure`` if that is not known."""
        if not self.is_inside:
            return self
        known = {**resource.properties, **resource.data}
        values = {name: quote(str(value), safe="") for name, value in known.items()}
        try:
            return replace(self, path=self.path.format_map(values))
        except KeyError as missing:
            raise ResourceFailure(f"It is not known in which {missing.args[0]} the object is.") from None

    def at(self, identity: str) -> str:
        """The path of one object."""
        return f"{self.path}/{identity.rstrip('/').rpartition('/')[2] if self.by_url else identity}"

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


Place = tuple[Entity, str]
"""The collection and the id of an object."""


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
    proof = list(body) if entity.distinct else [entity.mark or entity.name_field]
    if not all(proof):
        return []
    query = {**entity.list_query, **{key: body.get(key) for key in entity.found_by}}
    listed = await ctx.cloud.service(entity.service).list_all(entity.listing, entity.plural, query)
    return [each for each in listed if all(_agrees(each, body, name, entity.distinct) for name in proof)]


def _agrees(live: JSON, body: Mapping[str, Any], name: str, lenient: bool) -> bool:
    """Whether an object has what the request asks; a field that it does not show counts if ``lenient``."""
    return bool(live.get(name, body.get(name) if lenient else None) == body.get(name))
