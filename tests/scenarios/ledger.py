"""The cloud's books against stackd's: what is lost, left over, made twice or not as it should be.

Pure: it works on the objects as ``GET /_dev/state`` gives them and on pairs of type and physical id,
so that a test in one process and one that talks HTTP use the same.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

Objects = Mapping[str, Sequence[Mapping[str, Any]]]
Held = Iterable[tuple[str, str]]
"""The type and the physical id of each resource that has one."""

TABLES = {
    "OS::Neutron::Net": "network.networks",
    "OS::Neutron::Subnet": "network.subnets",
    "OS::Neutron::Port": "network.ports",
    "OS::Neutron::Router": "network.routers",
    "OS::Neutron::SecurityGroup": "network.security_groups",
    "OS::Neutron::FloatingIP": "network.floatingips",
    "OS::Nova::KeyPair": "compute.keypairs",
    "OS::Nova::Server": "compute.servers",
    "OS::Cinder::Volume": "volume.volumes",
    "backup_id": "volume.backups",
    "snapshot_image_id": "image.images",
}
"""Where the object of each type is, and the copies under each name by which snapshots keep them."""

_SHOWN = {
    "network.networks": ("admin_state_up", "status", "tags"),
    "network.subnets": ("cidr", "dns_nameservers"),
    "network.routers": ("status", "admin_state_up"),
    "network.security_groups": ("description",),
    "network.floatingips": ("status",),
    "compute.keypairs": (),
    "compute.servers": ("status", "metadata"),
    "volume.volumes": ("size", "status", "description", "metadata"),
    "identity.users": (),
    "identity.projects": (),
    "identity.trusts": (),
    "volume.backups": ("status",),
    "image.images": ("status",),
}
_SUFFIX = re.compile(r"-[a-z0-9]{12}(?=-|$)")


def made_since(before: Objects, now: Objects) -> dict[str, list[Mapping[str, Any]]]:
    """The objects that were not there before, by table; without what each project has by itself."""
    made = {}
    for table, objects in now.items():
        known = {_key(each) for each in before.get(table, ())}
        made[table] = [each for each in objects if _key(each) not in known and not _is_default(table, each)]
    return {table: objects for table, objects in made.items() if objects}


def copied(snapshots: Sequence[Mapping[str, Any]]) -> list[tuple[str, str]]:
    """What snapshots, as the API shows them, have copies of: the kind and the id of each copy."""
    kept = [
        each.get("resource_data") or {}
        for snapshot in snapshots
        for each in (snapshot["data"] or {}).get("resources", {}).values()
    ]
    return [
        (kind, data[kind]) for data in kept for kind in ("backup_id", "snapshot_image_id") if kind in data
    ]


def _key(each: Mapping[str, Any]) -> str:
    """What tells an object from all others; some have only a URL of their own."""
    url = next((value for key, value in each.items() if key.endswith("_ref")), None)
    return str(each.get("id") or url or each.get("name") or sorted(each.items()))


def discrepancies(made: Objects, held: Held) -> list[str]:
    """Every object without a resource, resource without an object, and object with two resources."""
    found: list[str] = []
    claims = Counter(held)
    found += [f"held {count} times: {kind} {one}" for (kind, one), count in claims.items() if count > 1]
    for kind, table in TABLES.items():
        there = {_physical(kind, each): each for each in made.get(table, ()) if _is_ours(table, each)}
        claimed = {one for known, one in claims if known == kind}
        found += [
            f"left over: {kind} {one} {there[one].get('name')}" for one in sorted(there.keys() - claimed)
        ]
        found += [f"lost: {kind} {one}" for one in sorted(claimed - _all_ids(kind, made))]
    return found + _interfaces(made, claims)


def _all_ids(kind: str, made: Objects) -> set[str]:
    return {_physical(kind, each) for each in made.get(TABLES[kind], ())}


def _is_default(table: str, each: Mapping[str, Any]) -> bool:
    """Whether a project has it once anybody asks: its default group, a rule of that, its account."""
    if table == "network.security_groups":
        return bool(each.get("name") == "default")
    if table == "object-store.accounts":  # it has the key for signed URLs
        return True
    return table == "network.security_group_rules" and bool(each.get("belongs_to_default_sg"))


def _physical(kind: str, each: Mapping[str, Any]) -> str:
    return str(each["name"] if kind == "OS::Nova::KeyPair" else each["id"])


def _is_ours(table: str, each: Mapping[str, Any]) -> bool:
    """Whether an object is one that a resource must stand for, rather than made by a service."""
    return table != "network.ports" or not str(each.get("device_owner", "")).startswith("network:")


def _interfaces(made: Objects, claims: Mapping[tuple[str, str], int]) -> list[str]:
    """Routers' interfaces have no object of their own; their ports tell."""
    there = Counter(
        f"{port['device_id']}:subnet_id={address['subnet_id']}"
        for port in made.get("network.ports", ())
        if port.get("device_owner") == "network:router_interface"
        for address in port["fixed_ips"]
    )
    claimed = {one for kind, one in claims if kind == "OS::Neutron::RouterInterface"}
    doubled = [f"doubled: interface {one}" for one, count in there.items() if count > 1]
    left = [f"left over: interface {one}" for one in sorted(there.keys() - claimed)]
    return [*doubled, *left, *(f"lost: interface {one}" for one in sorted(claimed - there.keys()))]


def shape(made: Objects) -> list[str]:
    """What there is, without ids: the same for two clouds in which the same stack stands."""
    names = {each["id"]: _logical(each) for objects in made.values() for each in objects if "id" in each}
    lines = [
        f"{table} {_logical(each)} {[each.get(field) for field in fields]}"
        for table, fields in _SHOWN.items()
        for each in made.get(table, ())
        if _is_ours(table, each)
    ]
    lines += [_port(each, names) for each in made.get("network.ports", ())]
    lines += [_rule(each, names) for each in made.get("network.security_group_rules", ())]
    lines += [_attached(each, names) for each in made.get("volume.volumes", ()) if each["attachments"]]
    return sorted(lines)


def _logical(each: Mapping[str, Any]) -> str:
    """The name without the part that differs from one stack to the next; ids of trees are no names."""
    name = _SUFFIX.sub("", str(each.get("name") or each.get("description") or ""))
    return "tree" if name.startswith("stackd-") else name


def _port(each: Mapping[str, Any], names: Mapping[str, str]) -> str:
    owner = str(each.get("device_owner", "")) or ("bound" if each.get("device_id") else "free")
    where = sorted(names.get(address["subnet_id"], "outside") for address in each["fixed_ips"])
    groups = sorted(names.get(group, "default") for group in each.get("security_groups", ()))
    return f"port {_logical(each)} {owner} {where} {groups}"


def _rule(each: Mapping[str, Any], names: Mapping[str, str]) -> str:
    group = names.get(each["security_group_id"], "default")
    facts = [each.get(field) for field in ("direction", "ethertype", "protocol", "port_range_min")]
    return f"rule {group} {facts}"


def _attached(each: Mapping[str, Any], names: Mapping[str, str]) -> str:
    return f"attached {_logical(each)} {[names.get(one['server_id']) for one in each['attachments']]}"
