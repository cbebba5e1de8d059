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
"""The families of types of which generated stacks are mixed."""

_BY_HAND: Final = {
    "OS::Nova::KeyPair": "compute.keypairs",
    "OS::Swift::Container": "object-store.containers",
    "AWS::S3::Bucket": "object-store.containers",
    "OS::Mistral::Workflow": "workflow.workflows",
    "OS::Mistral::CronTrigger": "workflow.cron_triggers",
    "OS::Zaqar::Queue": "messaging.queues",
}
"""Where there is no collection at the type's path."""

_ALARMS: Final = "alarming.alarms"
"""The table of all types of Aodh."""

_NAMED: Final = frozenset(
    {
        *("compute.keypairs", "object-store.containers", "load-balancer.balancer_zones"),
        *("workflow.workflows", "workflow.cron_triggers", "messaging.queues"),
    }
)
"""Tables in which names are ids."""

_IDS: Final = ("id", "uuid", "alarm_id")

_OF_SERVER: Final = re.compile(r"-port-\d+$")
"""The end of the names of ports that belong to the resource of a server."""

_OF_CLUSTER: Final = re.compile(r"-member-\d+$")
"""The end of the names of database instances that belong to a cluster."""


def types_of_families() -> list[str]:
    """All resource types of the families."""
    return sorted(each for each in load_registry([]).types if each.split("::")[1] in FAMILIES)


def tables() -> dict[str, str]:
    """The table of each type that has objects of its own."""
    registry = load_registry([])
    collections = {
        (official_name(service.name), _shape(collection.path)): collection.kind
        for service in (each.service for each in present(()))
        for collection, _ in service.collections
    }
    found = {name: _ALARMS for name in registry.types if name.startswith("OS::Aodh::")} | _BY_HAND
    for name in registry.types:
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
    return str(next(each[key] for key in each if key in _IDS or key.endswith("_ref")))


def unclaimed(made: Mapping[str, Iterable[Mapping[str, Any]]], held: Iterable[tuple[str, str]]) -> list[str]:
    """Every object without a resource, resource without an object, and object with two resources.

    ``held`` are the types and ids of resources. What a service makes by itself needs none, nor does what is
    beside the object of a resource: it has the object's name, in another table, or cannot be anybody else's.
    """
    places = tables()
    claims = [(places[kind], one) for kind, one in held if kind in places]
    there = {
        (table, identity(table, each)): each for table in {*places.values()} for each in made.get(table, ())
    }
    names = {(claim[0], str(there[claim].get("name") or "")) for claim in claims if claim in there}
    needed = {
        (table, one)
        for (table, one), each in there.items()
        if not is_by_itself(table, each)
        and not is_beside(table, each)
        and not _is_called_so(names, table, each)
    }
    lost = [f"lost: {table} {one}" for table, one in claims if (table, one) not in there]
    left = [f"left over: {table} {one} {there[table, one].get('name')}" for table, one in needed - {*claims}]
    doubled = [f"held twice: {table} {one}" for table, one in {*claims} if claims.count((table, one)) > 1]
    return sorted([*lost, *left, *doubled])


def _is_called_so(names: Iterable[tuple[str, str]], table: str, each: Mapping[str, Any]) -> bool:
    """Whether an object has the name of one in another table."""
    return any(name == each.get("name") != "" and place != table for place, name in names)


def is_beside(table: str, each: Mapping[str, Any]) -> bool:
    """Whether an object goes with a resource that has another object, or none: it is left over without it."""
    match table:
        case "identity.users":  # those who may do what one resource is for
            return "stackd_resource" not in each
        case "identity.projects":
            return str(each["name"]).startswith("stackd-")
        case "network.ports":  # made for a server or a container by its service
            return str(each["device_owner"]).startswith("compute:") and not each["name"]
        case "database.instances":
            return _OF_CLUSTER.search(str(each["name"])) is not None
        case _:
            return False


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
        case "workflow.executions" | "workflow.tasks":  # what was done is remembered
            return True
        case "workflow.executions" | "workflow.tasks":  # what was done is remembered
            return True
        case "key-manager.secrets":  # what orders made stays
            return each["secret_type"] != "opaque"
        case _:
            return False
