"""Name lookup: finds the ids of objects that templates refer to by name.

A ``Finder`` lives as long as one operation and requests each collection, or each name, once. The kinds are
those that constraints in templates and properties of resource types use: ``neutron.network``. Resource types
declare them.
"""

from __future__ import annotations

import asyncio
import difflib
import re
import time
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from stackd.clients.cloud import Cloud
from stackd.clients.failures import NoEndpoint
from stackd.clients.service import Service
from stackd.errors import CloudError, CloudNotFound, EntityNotFound, NotFound, StackdError

_NOT_THERE = frozenset({400, 404, 410})  # services call an id of another form malformed, not missing
_MOST_NAMED = 10
_SAMPLE = 200
"""Number of objects of a large collection that are searched for a name similar to the wrong one."""
_IN_DOMAIN = re.compile(r"(?P<name>.+)\{(?P<domain>.+)\}")


class AmbiguousName(StackdError):
    """Several objects have the name: their ids tell them apart."""

    code = 400
    wire_type = "PhysicalResourceNameAmbiguity"


@dataclass(frozen=True, slots=True)
class Collection:
    """The collection of one kind of object: its path, and the fields with name and id.

    ``whole``: the collection is small enough to be listed once; otherwise it is asked for one name, which
    the service reads as a regular expression if ``pattern``. ``inside`` is the key under
    which a list entry contains its object. Of a large collection that is ``paged`` a part can be read.
    ``in_domain``: a name may include its domain, as in ``admin{Default}``. ``absence`` is the message
    for a missing name, if it is not the usual one. Objects that are not ``single`` can only be
    listed. ``extension`` is the API extension that a service without such objects lacks. Objects that are
    known ``by_url`` have no names: their URL in the service, or its last part, identifies them.
    """

    title: str
    service: str
    path: str
    key: str
    whole: bool = False
    params: Mapping[str, Any] | None = None
    id: str = "id"
    name: str = "name"
    inside: str = ""
    pattern: bool = False
    paged: bool = False
    in_domain: bool = False
    absence: str = ""
    single: bool = True
    extension: str = ""
    by_url: bool = False

    def lacks(self, name: str, known: Iterable[str] = ()) -> EntityNotFound:
        """The error for a missing name or id; ``known`` are the existing names."""
        if self.absence:
            return NotFound(self.absence.format(name=name, known=sorted(known)))
        return EntityNotFound(self.title, name)

    def is_missing(self) -> NoEndpoint:
        """The error for a service without such objects."""
        if self.extension:
            return NoEndpoint(f"The neutron extension ({self.extension}) could not be found.")
        return NoEndpoint(f"The service {self.service} has nothing at {self.path}.", service=self.service)


DECLARED: dict[str, Collection] = {}
"""The collections by kind of object, as resource types declare them (``lookups``)."""


def declare_collection(kind: str, collection: Collection) -> None:
    """Register the collection of a kind of object."""
    DECLARED[kind] = collection


class _Index:
    """A listed collection: ids by name, all ids, and the time from which it is known to be current.

    Among objects of one name, the project's own take precedence over those that it only sees.
    """

    __slots__ = ("began", "by_name", "ids")

    def __init__(
        self, collection: Collection, entries: list[Any], project_id: str, began: float = 0.0
    ) -> None:
        self.began = began
        self.ids: set[str] = set()
        own: dict[str, list[str]] = {}
        others: dict[str, list[str]] = {}
        for entry in entries:
            found = entry[collection.inside] if collection.inside else entry
            identity = str(found[collection.id])
            self.ids.add(identity)
            names = own if found.get("project_id") == project_id else others
            names.setdefault(str(found.get(collection.name)), []).append(identity)
        self.by_name = others | own

    def find(self, collection: Collection, wanted: str) -> str | None:
        """The id of the only object with the name or id ``wanted``; None if there is none."""
        if wanted in self.ids:
            return wanted
        candidates = self.by_name.get(wanted, [])
        if len(candidates) > 1:
            raise AmbiguousName(_ambiguity(collection.title, wanted, candidates))
        return candidates[0] if candidates else None


Found = Mapping[tuple[str, str], str]
"""The cache of a ``Finder``: ids by kind and name."""


class Finder:
    """Finds ids for one operation, with its credentials.

    ``found`` is the recent cache of another finder for the same project.
    """

    def __init__(self, cloud: Cloud, found: Found | None = None) -> None:
        self._cloud = cloud
        self._indexes: dict[tuple[str, str], _Index] = {}
        self._found: dict[tuple[str, str], str] = dict(found or {})
        self._locks: defaultdict[tuple[str, str], asyncio.Lock] = defaultdict(asyncio.Lock)

    @property
    def found(self) -> Found:
        """The cache, with which another finder can start."""
        return self._found

    async def id_of(self, kind: str, name_or_id: str, *, again: bool = True) -> str:
        """The id of the object whose name or id is ``name_or_id``.

        ``EntityNotFound`` if there is none, ``AmbiguousName`` if there are several of the name. A collection
        that was listed before is listed ``again`` for what it lacks, since that may have been made meanwhile.
        """
        wanted = str(name_or_id)
        asked = (kind, wanted)
        if asked not in self._found:
            found = await self._find(kind, wanted, again)
            self._found[asked] = found
        return self._found[asked]

    async def exists(self, kind: str, name_or_id: str) -> bool:
        """Whether ``id_of`` would find it."""
        try:
            return bool(await self.id_of(kind, name_or_id))
        except EntityNotFound:
            return False

    async def near(self, kind: str, wrong: str) -> str | None:
        """The name of an existing object of this kind that is similar to ``wrong``, if any."""
        collection = DECLARED.get(kind)
        if collection is None or not (collection.whole or collection.paged):
            return None
        service = self._cloud.service(collection.service)
        if collection.whole:
            index = await self._index(kind, collection, service, wrong)
        else:
            index = await self._sample(kind, collection, service)
        close = difflib.get_close_matches(wrong, index.by_name, n=1)
        return close[0] if close else None

    async def _find(self, kind: str, wanted: str, again: bool) -> str:
        if kind not in DECLARED:
            raise ValueError(f"Objects of the kind {kind!r} cannot be looked up")
        collection = DECLARED[kind]
        service = self._cloud.service(collection.service)
        if collection.by_url:
            return await _by_url(collection, service, wanted)
        if not wanted:
            raise collection.lacks(wanted)
        if collection.in_domain and (parts := _IN_DOMAIN.fullmatch(wanted)):
            return await self._in_domain(collection, service, parts["name"], parts["domain"])
        began = time.monotonic()
        if not collection.whole and _looks_like_id(wanted) and await _shown(service, collection.path, wanted):
            return wanted
        index = await self._index(kind, collection, service, wanted)
        found = index.find(collection, wanted)
        if found is None and again:
            index = await self._index(kind, collection, service, wanted, since=began)
            found = index.find(collection, wanted)
        if found is not None:
            return found
        if collection.single and await _shown(service, collection.path, wanted):
            return wanted
        raise collection.lacks(wanted, index.by_name)

    async def _in_domain(self, collection: Collection, service: Service, name: str, domain: str) -> str:
        try:
            domain_id = await self.id_of("keystone.domain", domain)
        except EntityNotFound:
            raise collection.lacks(f"{name}{{{domain}}}") from None
        params = {"name": name, "domain_id": domain_id}
        entries = await service.list_all(collection.path, collection.key, params)
        found = _Index(collection, entries, self._cloud.project_id).find(collection, name)
        if found is None:
            raise collection.lacks(f"{name}{{{domain}}}")
        return found

    async def _index(
        self, kind: str, collection: Collection, service: Service, wanted: str, *, since: float = 0.0
    ) -> _Index:
        """The collection, listed after ``since``."""
        key = (kind, "" if collection.whole else wanted)
        async with self._locks[key]:
            known = self._indexes.get(key)
            if known is not None and known.began >= since:
                return known
            params = dict(collection.params or {})
            if not collection.whole:
                params[collection.name] = f"^{re.escape(wanted)}$" if collection.pattern else wanted
            began = time.monotonic()
            try:
                entries = await service.list_all(collection.path, collection.key, params)
            except CloudNotFound as error:
                raise collection.is_missing() from error
            made = self._indexes[key] = _Index(collection, entries, self._cloud.project_id, began)
            return made

    async def _sample(self, kind: str, collection: Collection, service: Service) -> _Index:
        """A part of a large collection."""
        key = (kind, "")
        async with self._locks[key]:
            if key not in self._indexes:
                page = await service.get(collection.path, {**(collection.params or {}), "limit": _SAMPLE})
                self._indexes[key] = _Index(collection, page[collection.key], self._cloud.project_id)
            return self._indexes[key]


async def _by_url(collection: Collection, service: Service, wanted: str) -> str:
    last = wanted.rstrip("/").rpartition("/")[2]
    if last and await _shown(service, collection.path, last):
        return wanted
    raise collection.lacks(wanted)


async def _shown(service: Service, path: str, wanted: str) -> bool:
    """Whether an object with this id exists; some can be used but are not listed."""
    if wanted in {".", ".."}:
        return False
    try:
        await service.get(f"{path}/{quote(wanted, safe='')}")
    except CloudNotFound:
        return False
    except CloudError as error:
        if error.status in _NOT_THERE:
            return False
        raise
    return True


def _looks_like_id(text: str) -> bool:
    plain = text.replace("-", "")
    return len(plain) == 32 and all(char in "0123456789abcdefABCDEF" for char in plain)


def _ambiguity(title: str, name: str, candidates: list[str]) -> str:
    shown = ", ".join(sorted(candidates)[:_MOST_NAMED])
    more = f" and {len(candidates) - _MOST_NAMED} more" if len(candidates) > _MOST_NAMED else ""
    return f"{len(candidates)} objects of the kind {title} are named {name}: {shown}{more}. Use an id."
