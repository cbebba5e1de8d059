"""Adds several objects to the one that contains them by one call, where the service takes a set of them.

Such a call answers without ids, and changes what is there already instead of refusing it. So what is there is
read before: of that nothing is sent. What was made is read afterwards, and known by its name, which nothing
else has.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

from stackd.clients.failures import AnswerLost
from stackd.errors import CloudConflict, CloudError, CloudUnauthorized, Transient

JSON = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Addition:
    """A collection, inside the objects whose paths match ``path``, to which a PUT can add a set.

    ``key`` and ``plural`` are the JSON keys of one object and of several. There is one object at most with
    the same values of the fields ``unique``. ``additive`` is the query without which all else would be
    removed; services older than the version ``since`` do not know it. ``changed`` is a field and its value
    that only objects have which the call found there.
    """

    path: re.Pattern[str]
    key: str
    plural: str
    unique: tuple[str, ...]
    additive: str
    since: tuple[int, int]
    changed: tuple[str, str]

    def place(self, item: Mapping[str, Any]) -> tuple[Any, ...]:
        """What only one object can have."""
        return tuple(item.get(name) for name in self.unique)


_ADDITIONS: Final[Mapping[str, tuple[Addition, ...]]] = {
    "load-balancer": (
        Addition(
            re.compile(r"/lbaas/pools/[^/]+/members"),
            "member",
            "members",
            unique=("address", "protocol_port"),
            additive="additive_only",
            since=(2, 11),
            changed=("provisioning_status", "PENDING_UPDATE"),
        ),
    ),
}
"""By service."""

_FOR_ALL: Final = (CloudConflict, CloudUnauthorized, Transient)
"""Errors that no single object caused: the parent cannot be changed now, or the service cannot be reached."""


class Adder(Protocol):
    """What is asked of a service."""

    async def version(self) -> tuple[int, int]:
        """The newest version of its API."""
        ...

    async def list_all(self, path: str, key: str = "") -> list[Any]:
        """Every object of a collection."""
        ...

    async def request(
        self, method: str, path: str, *, json: Any, params: Mapping[str, Any], idempotent: bool
    ) -> Any:
        """The whole answer."""
        ...


def addition_at(service: str, path: str) -> Addition:
    """How objects are added to the collection at a path; ``LookupError`` where that cannot be done."""
    for each in _ADDITIONS.get(service, ()):
        if each.path.fullmatch(path):
            return each
    raise LookupError(f"nothing can be added to {service} {path}")


async def add(service: Adder, path: str, rule: Addition, bodies: Sequence[JSON]) -> list[JSON | None]:
    """Each object as the service shows it, None for those that have to be made by themselves.

    These are all where the service is too old or refuses them together, and those whose place is taken. A
    conflict is raised for all, as what contains them is then being changed; ``AnswerLost`` when they may have
    been made, and it cannot be read which.
    """
    if await service.version() < rule.since:
        return [None] * len(bodies)
    shown = await service.list_all(path, rule.plural)
    taken = {rule.place(each) for each in shown}
    sent: list[JSON] = []
    for body in bodies:
        if rule.place(body) not in taken:
            taken.add(rule.place(body))
            sent.append(body)
    made = {each["name"]: each for each in shown}
    if sent:
        await _put(service, path, rule, sent)
        field, changed = rule.changed
        made |= {each["name"]: each for each in await _after(service, path, rule) if each[field] != changed}
    return [made.get(body["name"]) for body in bodies]


async def _put(service: Adder, path: str, rule: Addition, sent: Sequence[JSON]) -> None:
    """Add the objects, or none of them if one is wrong."""
    body, query = {rule.plural: sent}, {rule.additive: True}
    try:
        await service.request("PUT", path, json=body, params=query, idempotent=False)
    except _FOR_ALL:
        raise
    except CloudError:
        return


async def _after(service: Adder, path: str, rule: Addition) -> list[Any]:
    try:
        return await service.list_all(path, rule.plural)
    except Transient as error:
        raise AnswerLost(str(error), service=error.service) from error
