"""Dependencies that follow from the types of resources (``follows``) and not from references. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from stackd.engine.definition.types import ResolvedType
from stackd.resources.follows import Found, Siblings
from stackd.template.graph import in_circles, without_circles

Requires = dict[str, frozenset[str]]


def implied(
    types: Mapping[str, ResolvedType], asking: Mapping[str, Any], read: Callable[[str], Mapping[str, Any]]
) -> dict[str, Found]:
    """What each resource that is ``asking`` follows; ``read`` gives the properties of a name."""
    following = [name for name in asking if types[name].handler.follows]
    if not following:
        return {}
    siblings = Siblings({name: kind.name for name, kind in types.items()}, read)
    found = {name: _followed(name, types[name], siblings) for name in following}
    return {name: each for name, each in found.items() if each.sure or each.guessed}


def _followed(name: str, kind: ResolvedType, siblings: Siblings) -> Found:
    each = [follows.find(siblings.properties(name), siblings) for follows in kind.handler.follows]
    sure = frozenset[str]().union(*(found.sure for found in each)) - {name}
    return Found(sure, frozenset[str]().union(*(found.guessed for found in each)) - sure - {name})


def with_implied(
    required: Mapping[str, frozenset[str]], found: Mapping[str, Found], refuse: Callable[[list[str]], None]
) -> Requires:
    """The requirements with the implied ones.

    A circle goes to ``refuse`` as one of references does; but a guess gives way where it would close one.
    """
    sure = {name: needs | found[name].sure if name in found else needs for name, needs in required.items()}
    sure = without_circles(sure, refuse)
    merged = {name: needs | found[name].guessed if name in found else needs for name, needs in sure.items()}
    circling = in_circles(merged)
    if not circling:
        return merged
    circling &= in_circles(_reversed(merged))
    return {
        name: sure[name] | (needs - circling) if name in circling else needs for name, needs in merged.items()
    }


def _reversed(required: Requires) -> Requires:
    users: dict[str, set[str]] = {name: set() for name in required}
    for name, needs in required.items():
        for need in needs:
            users[need].add(name)
    return {name: frozenset(names) for name, names in users.items()}
