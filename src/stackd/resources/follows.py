"""Implicit dependencies, declared: a resource comes after siblings although no property refers to them. Pure.

A port gets its address from a subnet of its network, so it follows the subnets that name the same network::

    follows = (Follows("OS::Neutron::Subnet", key=network_key, keys=one(network_key)),)

Before they exist, siblings are identified by reference. Two values surely mean the same object if both are
the same reference or the same text. They may mean the same if one is not known, or one is a name and the
other an id; then the dependency is a guess: it orders, but gives way where it would close a circle.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from stackd.template.unknown import Unknown

Key = Hashable
"""What an object is recognised by: a reference to a sibling, or a name or id; None for no object."""

ANY: Final = Unknown("", ("any",))
"""The key of an object of which it is not known which one it is."""

OUTSIDE: Final = Unknown("", ("outside",))
"""The key of any object that does not belong to the stack."""

_ID = re.compile(r"[0-9a-f]{8}(-?)[0-9a-f]{4}\1[0-9a-f]{4}\1[0-9a-f]{4}\1[0-9a-f]{12}", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Sibling:
    """Another resource of the stack, as far as implicit dependencies need it."""

    name: str
    kind: str
    properties: Mapping[str, Any]


class Found(NamedTuple):
    """Names of siblings that certainly, and that only possibly, have one of some keys."""

    sure: frozenset[str]
    guessed: frozenset[str]


class Index:
    """Names of siblings of one kind by their keys."""

    __slots__ = ("_all", "_by_key", "_texts")

    def __init__(self, siblings: Iterable[Sibling], key: Callable[[Mapping[str, Any]], Key]) -> None:
        groups: dict[Key, set[str]] = {}
        for each in siblings:
            groups.setdefault(key(each.properties), set()).add(each.name)
        self._by_key = {each: frozenset(names) for each, names in groups.items()}
        self._all = frozenset(name for names in groups.values() for name in names)
        self._texts = [each for each in groups if isinstance(each, str)]

    def find(self, keys: Iterable[Key]) -> Found:
        """The siblings that have one of these keys; none without a key."""
        wanted = set(keys)
        sure = frozenset[str]().union(*(self._by_key.get(key, ()) for key in wanted - {ANY, OUTSIDE}))
        if not wanted or ANY in wanted:
            return Found(sure, self._all if wanted else frozenset())
        possible = [key for text in wanted for key in self._texts if _may_be(text, key)]
        return Found(sure, frozenset[str]().union(*(self._by_key.get(key, ()) for key in (ANY, *possible))))


class Siblings:
    """The resources of a stack, as one of them sees the others.

    ``kinds`` has the kind of each name. Properties are read, by ``read`` and once, on the first query of a
    kind, so that a large stack does not pay for properties that are not needed.
    """

    __slots__ = ("_indexes", "_kinds", "_known", "_read")

    def __init__(self, kinds: Mapping[str, str], read: Callable[[str], Mapping[str, Any]]) -> None:
        self._kinds = kinds
        self._read = read
        self._known: dict[str, Mapping[str, Any]] = {}
        self._indexes: dict[tuple[str, object], Index] = {}

    def __contains__(self, name: object) -> bool:
        return name in self._kinds

    def properties(self, name: str) -> Mapping[str, Any]:
        """The properties of a resource."""
        known = self._known.get(name)
        if known is None:
            known = self._known[name] = self._read(name)
        return known

    def named(self, name: str) -> Sibling | None:
        """The resource of this name, if there is one."""
        return Sibling(name, self._kinds[name], self.properties(name)) if name in self._kinds else None

    def index(self, kind: str, key: Callable[[Mapping[str, Any]], Key]) -> Index:
        """The resources of one kind by what ``key`` makes of their properties; worked out once."""
        if (kind, key) not in self._indexes:
            names = [name for name, each in self._kinds.items() if each == kind]
            each = (Sibling(name, kind, self.properties(name)) for name in names)
            self._indexes[kind, key] = Index(each, key)
        return self._indexes[kind, key]


Keys = Callable[[Mapping[str, Any], Siblings], Iterable[Key]]


@dataclass(frozen=True, slots=True)
class Follows:
    """The siblings of one kind that come first: their ``key`` is one of the resource's own ``keys``.

    With ``guess`` all that is found is only possible, however well the keys agree.
    """

    kind: str
    key: Callable[[Mapping[str, Any]], Key]
    keys: Keys
    guess: bool = False

    def find(self, properties: Mapping[str, Any], siblings: Siblings) -> Found:
        """The siblings that a resource with these properties follows."""
        found = siblings.index(self.kind, self.key).find(self.keys(properties, siblings))
        return Found(frozenset(), found.sure | found.guessed) if self.guess else found


@dataclass(frozen=True, slots=True)
class Named:
    """The siblings that come first because their ``names`` are written as plain texts in properties."""

    names: Callable[[Mapping[str, Any]], Iterable[str]]

    def find(self, properties: Mapping[str, Any], siblings: Siblings) -> Found:
        """The siblings of these names."""
        return Found(frozenset(name for name in self.names(properties) if name in siblings), frozenset())


def key_of(value: Any) -> Key:
    """The key of the object that the value of a property means."""
    if not isinstance(value, Unknown):
        return value if isinstance(value, str) and value else None
    return ANY if value.path or not value.resource else value


def one(key: Callable[[Mapping[str, Any]], Key]) -> Keys:
    """Own keys of a resource that has one key or none."""

    def keys(properties: Mapping[str, Any], siblings: Siblings) -> Iterable[Key]:
        return () if (found := key(properties)) is None else (found,)

    return keys


def either(properties: Mapping[str, Any], *names: str) -> Any:
    """The first value that there is under the current or a former name of a property."""
    return next((value for name in names if (value := properties.get(name)) not in (None, "")), None)


def _may_be(wanted: Key, text: str) -> bool:
    """Whether a key and the text of a name or id may mean one object."""
    if wanted == OUTSIDE:
        return True
    return isinstance(wanted, str) and bool(_ID.fullmatch(wanted)) != bool(_ID.fullmatch(text))
