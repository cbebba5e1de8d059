"""In which table of the dev cloud the objects of each resource type are, worked out from both sides.

A type and a collection belong together when they have the same service and path.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

from stackd.clients.catalog import official_name
from stackd.devcloud.services import present
from stackd.resources.registry import load_registry

FAMILIES: Final = (
    *("Nova", "Neutron", "Cinder", "Glance", "Keystone", "Swift", "Octavia", "Barbican", "Designate"),
)
"""The families of types whose services the dev cloud has."""

_BY_HAND: Final = {"OS::Nova::KeyPair": "compute.keypairs", "OS::Swift::Container": "object-store.containers"}
"""Where there is no collection at the type's path."""

_NAMED: Final = frozenset({"compute.keypairs", "object-store.containers", "load-balancer.balancer_zones"})
"""Tables in which names are ids."""


_OF_SERVER: Final = re.compile(r"-port-\d+$")
"""The end of the names of ports that belong to the resource of a server."""


def types_of_families() -> list[str]:
    """All resource types of the families."""
    return sorted(each for each in load_registry([]).types if each.split("::")[1] in FAMILIES)


def tables() -> dict[str, str]:
    """The table of each type of the families that has objects of its own."""
    registry = load_registry([])
    collections = {
        (official_name(service.name), _shape(collection.path)): collection.kind
        for service in (each.service for each in present(()))
        for collection, _ in service.collections
    }
    found = dict(_BY_HAND)
    for name in types_of_families():
        entity = registry.get(name).entity
        place = (official_name(entity.service), _shape(entity.path)) if entity is not None else None
        if place in collections:
            found[name] = collections[place]
    return found


def _shape(path: str) -> str:
    return re.sub(r"\{[^}]*\}", "{}", path).strip("/")


def identity(table: str, each: Mapping[str, Any]) -> str:
    """The id of an object, as its resource has it."""
    if table in _NAMED:
        return str(each["name"])
    return str(each["id"] if "id" in each else each[next(key for key in each if key.endswith("_ref"))])


def unclaimed(made: Mapping[str, Iterable[Mapping[str, Any]]], held: Iterable[tuple[str, str]]) -> list[str]:
    """Every object without a resource, resource without an object, and object with two resources.

    ``held`` are the types and ids of resources. What a service makes by itself needs none.
    """
    places = tables()
    claims = [(places[kind], one) for kind, one in held if kind in places]
    there = {
        (table, identity(table, each)): each for table in {*places.values()} for each in made.get(table, ())
    }
    needed = {key for key, each in there.items() if not is_by_itself(key[0], each)}
    lost = [f"lost: {table} {one}" for table, one in claims if (table, one) not in there]
    left = [f"left over: {table} {one} {there[table, one].get('name')}" for table, one in needed - {*claims}]
    doubled = [f"held twice: {table} {one}" for table, one in {*claims} if claims.count((table, one)) > 1]
    return sorted([*lost, *left, *doubled])


def is_by_itself(table: str, each: Mapping[str, Any]) -> bool:
    """Whether a service made an object by itself, for another one."""
    match table:
        case "network.ports":
            owner, name = str(each["device_owner"]), str(each["name"])
            of_server = owner.startswith("compute:") and _OF_SERVER.search(name) is not None
            return of_server or owner == "Octavia" or owner.startswith("network:")
        case "network.security_group_rules":  # those that a group begins with, or lists, are compared only
            return True
        case "dns.recordsets":
            return each["type"] in ("SOA", "NS")
        case "key-manager.secrets":  # what orders made stays
            return each["secret_type"] != "opaque"
        case _:
            return False
