"""Generated stacks of many types: a seed chooses resources of `fragments.yaml`, and how they change.

Pure. A mix is one stack in two versions. The second one changes resources in place, asks for others anew, and
has some that the first one has not, and the other way round.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any, Final

import yaml

from tests.support.templates import hot

SMALLEST: Final = 15
LARGEST: Final = 30
"""Resources in each version."""

_COME_AND_GO: Final = (2, 5)
"""How many resources only one of the versions has, at least and at most."""

_CHANGES: Final = ((), ("then",), ("anew",), ("then", "anew"))
_WEIGHTS: Final = (10, 30, 40, 20)

Template = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Fragment:
    """A resource of the pool.

    ``first`` are its properties, ``then`` those that change in place, ``anew`` those that ask for another
    object; None takes a property away. ``needs`` are resources that have to be there although no property
    refers to them.
    """

    type: str
    first: Mapping[str, Any] = field(default_factory=dict)
    then: Mapping[str, Any] = field(default_factory=dict)
    anew: Mapping[str, Any] = field(default_factory=dict)
    needs: tuple[str, ...] = ()

    def properties(self, changes: Iterable[str] = ()) -> dict[str, Any]:
        """The properties after these changes."""
        merged = {
            **self.first,
            **{key: value for each in changes for key, value in getattr(self, each).items()},
        }
        return {key: value for key, value in merged.items() if value is not None}

    def required(self, changes: Iterable[str] = ()) -> set[str]:
        """The names of what has to be there."""
        return {*self.needs, *references(self.properties(changes))}

    def possible(self) -> list[tuple[str, ...]]:
        """The ways in which it can change; none is one."""
        return [each for each in _CHANGES if all(getattr(self, chapter) for chapter in each)]


def references(value: Any) -> Iterator[str]:
    """The names of all resources that a value refers to."""
    if isinstance(value, Mapping):
        if "get_resource" in value:
            yield value["get_resource"]
        elif "get_attr" in value:
            yield value["get_attr"][0]
        else:
            for each in value.values():
                yield from references(each)
    elif isinstance(value, list):
        for each in value:
            yield from references(each)


class _Loader(yaml.CSafeLoader):
    """YAML with ``!of name`` and ``!at [name, attribute, ...]``."""


_Loader.add_constructor("!of", lambda loader, node: {"get_resource": loader.construct_scalar(node)})
_Loader.add_constructor("!at", lambda loader, node: {"get_attr": loader.construct_sequence(node)})


def _load() -> dict[str, Fragment]:
    families = yaml.load((Path(__file__).parent / "fragments.yaml").read_text(), _Loader)
    fragments: dict[str, Fragment] = {}
    for family in families.values():
        for name, facts in family.items():
            fragments[name] = Fragment(**{**facts, "needs": tuple(facts.get("needs", ()))})
    return fragments


POOL: Final[Mapping[str, Fragment]] = _load()

Chosen = dict[str, tuple[str, ...]]
"""The names of resources, each with its changes."""


def closed(chosen: Mapping[str, tuple[str, ...]], pool: Mapping[str, Fragment] = POOL) -> Chosen:
    """The resources with all that they require, which is as it was at first."""
    found = dict(chosen)
    left = list(chosen)
    while left:
        name = left.pop()
        for each in sorted(pool[name].required(found[name])):
            if each not in found:
                found[each] = ()
                left.append(each)
    return found


@dataclass(frozen=True, slots=True)
class Mix:
    """One stack in two versions, as the changes of each resource that it has."""

    first: Chosen
    then: Chosen
    pool: Mapping[str, Fragment] = field(repr=False)

    @property
    def one(self) -> Template:
        """The template of the first version."""
        return self._template(self.first)

    @property
    def two(self) -> Template:
        """The template of the second version."""
        return self._template(self.then)

    def _template(self, chosen: Chosen) -> Template:
        resources = {
            name: {"type": self.pool[name].type, "properties": self.pool[name].properties(chosen[name])}
            for name in sorted(chosen)
        }
        outputs = {"references": {"value": {name: {"get_resource": name} for name in sorted(chosen)}}}
        return hot(resources, outputs=outputs)


def mixes(seed: int, count: int, pool: Mapping[str, Fragment] = POOL) -> Iterator[Mix]:
    """Mixes of a seed; each prefers what the ones before it did not have, so that a few have all types."""
    seen: set[str] = set()
    for number in range(count):
        made = _mixed(Random(f"{seed} {number}"), seen, pool)
        seen |= made.first.keys() | made.then.keys()
        yield made


def _mixed(random: Random, seen: Collection[str], pool: Mapping[str, Fragment]) -> Mix:
    names = sorted(pool)
    random.shuffle(names)
    names.sort(key=lambda name: name in seen)
    size = random.randint(SMALLEST + _COME_AND_GO[1], LARGEST)
    chosen: Chosen = {}
    for name in names:
        ways = pool[name].possible()
        weights = [_WEIGHTS[_CHANGES.index(way)] for way in ways]
        way = chosen.get(name) or random.choices(ways, weights)[0]
        grown = closed(chosen | {name: way}, pool)
        if len(grown) <= size:
            chosen = grown
    come = _leaves(random, chosen, pool, ())
    go = _leaves(random, chosen, pool, come)
    first = {name: () for name in chosen if name not in come}
    then = {name: way for name, way in chosen.items() if name not in go}
    return Mix(closed(first, pool), closed(then, pool), pool)


def _leaves(random: Random, chosen: Chosen, pool: Mapping[str, Fragment], taken: Collection[str]) -> set[str]:
    """Some resources that no others but these require, none of them ``taken``."""
    found: set[str] = set()
    for _ in range(random.randint(*_COME_AND_GO)):
        left = chosen.keys() - found
        required = set[str]().union(
            *(pool[name].required(way) for name in left for way in ((), chosen[name]))
        )
        if leaves := sorted(left - required - {*taken}):
            found.add(random.choice(leaves))
    return found
