"""Trove's conventions: errors, pages and times, and the schemas of what requests share."""

from __future__ import annotations

import re
from typing import Any, Final

from stackd.devcloud.collection import Style
from stackd.devcloud.rest import fault as nova_like
from stackd.devcloud.store import JSON
from stackd.devcloud.wire import Call, Fault, bad_request, forbidden, not_found
from stackd.devcloud.world import stamp_plain

fault = nova_like("instanceFault")
"""A fault as Trove renders it."""

_WORD: Final = re.compile(r".*[0-9a-zA-Z]+.*", re.DOTALL)
_NIC: Final = frozenset({"net-id", "network_id", "subnet_id", "ip_address"})
_LONGEST: Final = 255
_PAGE: Final = 20


def missing(label: str, entity_id: str) -> Fault:
    """The fault for a missing object."""
    if label == "Cluster":
        return not_found(f"Cluster '{entity_id}' cannot be found.")
    return not_found(f"Resource {entity_id} cannot be found.")


def over_quota(plural: str, limit: int) -> Fault:
    """The fault for more than a project may have."""
    return Fault(413, f"Quota exceeded for resources: ['{plural.removeprefix('database_')}'].")


def busy(message: str) -> Fault:
    """The fault for what cannot be done at the moment."""
    return Fault(422, message)


def invalid(path: str, problem: str) -> Fault:
    """The fault for a request that does not match its schema."""
    return bad_request(f"Validation error: {path} {problem}")


def _denied(action: str) -> Fault:
    return forbidden(f"Policy does not allow {action} to be performed.")


def _pages(call: Call, plural: str, items: list[JSON], following: str | None) -> JSON:
    links = [{"rel": "next", "href": following}] if following else []
    return {plural: items} | ({"links": links} if links else {})


STYLE: Final = Style(
    missing=missing,
    duplicate=lambda label, value: bad_request(f"{label} {value} already exists."),
    over_quota=over_quota,
    denied=_denied,
    stamp=stamp_plain,
    created_key="created",
    updated_key="updated",
    create_status=200,
    delete_status=202,
    page_links=_pages,
    default_limit=_PAGE,
    largest_limit=_PAGE,
    project_keys=(),
)


def checked_text(path: str, value: Any) -> str:
    """A text with at least one letter or digit in it."""
    if not isinstance(value, str) or len(value) > _LONGEST or not _WORD.fullmatch(value):
        raise invalid(path, f"{value!r} does not match '^.*[0-9a-zA-Z]+.*$'")
    return value


def checked_size(path: str, volume: Any) -> int:
    """The size of a volume in GB."""
    size = volume.get("size") if isinstance(volume, dict) else None
    if size is None:
        raise bad_request("Volume size was not specified.")
    if not str(size).isdigit() or int(size) < 1:
        raise invalid(f"{path}['volume']['size']", f"{size!r} is not valid under any of the given schemas")
    return int(size)


def checked_flavor(call: Call, flavor: Any) -> str:
    """The id of a flavor, which a request has as it is or as the end of a URL."""
    identity = str(flavor or "").rpartition("/")[2]
    if call.store.get("compute.flavors", identity) is None:
        raise bad_request(f"Resource {identity} cannot be found.")
    return identity


def checked_nics(call: Call, path: str, nics: Any) -> list[JSON]:
    """The networks: one at most, and an address in it only with a subnet."""
    if not isinstance(nics, list) or len(nics) > 1:
        raise invalid(f"{path}['nics']", f"{nics!r} is too long")
    return [_checked_nic(call, f"{path}['nics'][0]", nic) for nic in nics]


def _checked_nic(call: Call, path: str, nic: JSON) -> JSON:
    if unknown := sorted(nic.keys() - _NIC):
        raise invalid(path, f"Additional properties are not allowed ({unknown[0]!r} was unexpected)")
    network, subnet = nic.get("network_id", nic.get("net-id")), nic.get("subnet_id")
    if not (network or subnet):
        raise bad_request("The network or subnet must be provided.")
    if nic.get("ip_address") and not subnet:
        raise bad_request("The subnet must be provided.")
    if subnet:
        found = call.store.get("network.subnets", str(subnet))
        owner = found.data["network_id"] if found is not None else None
        if owner is None or network not in (None, owner):
            raise bad_request(f"Subnet {subnet} cannot be found in network {network}.")
        network = owner
    return {"network_id": network, "subnet_id": subnet, "ip_address": nic.get("ip_address")}


def links(call: Call, plural: str, identity: str) -> list[JSON]:
    """Where an object is."""
    root = call.base.partition("/v1.0")[0]
    return [
        {"rel": "self", "href": f"{call.base}/{plural}/{identity}"},
        {"rel": "bookmark", "href": f"{root}/{plural}/{identity}"},
    ]
