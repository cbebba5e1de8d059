"""What stands in a cloud, object by object with all fields, the same wherever the same stack stands.

Pure. Ids become the names of what they stand for, physical names lose what differs from one stack to the
next, and what follows from the moment or from chance, such as times and free addresses, is left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from tests.scenarios.ledger import Objects

HIDDEN: Final = "(hidden)"
"""The field under which an object has what its service keeps beside it."""

_BY_CHANCE: Final = frozenset(
    {
        *("id", "hostId", "revision_number", "serial", "version", "provider:segmentation_id"),
        *("created", "created_at", "updated", "updated_at", "changed_at", "attached_at", "launched_at"),
        *("OS-SRV-USG:launched_at", "password_expires_at"),
        *("mac_address", "ip_address", "fixed_ip_address", "internal_ip_address"),
        *("floating_ip_address", "vip_address", "ip"),
        *("shown_from", "whole_from", "timestamp", "state_timestamp", "evaluate_timestamp"),
        *("device", "addresses", "external_v4_ip", "fingerprint", "public_key", "private_key", "adminPass"),
        *(f"OS-EXT-SRV-ATTR:{name}" for name in ("hostname", "instance_name", "reservation_id", "user_data")),
    }
)
"""Fields that an undisturbed stack has otherwise the next time."""

_WITHOUT: Final = frozenset({"identity.trusts", "object-store.accounts"})
"""Tables of what belongs to no single resource."""

_ID: Final = re.compile(r"[0-9a-f]{8}(-?)[0-9a-f]{4}\1[0-9a-f]{4}\1[0-9a-f]{4}\1[0-9a-f]{12}")
_SUFFIX: Final = re.compile(r"-[a-z0-9]{12}(?![a-z0-9])|^..-[a-z0-9]{1,11}(?=-)")
"""What differs in names, and what is left of it behind two letters in one that was too long."""

_VARIES: Final = re.compile(
    r"http://127\.0\.0\.1:\d+|\b1\d{9}\b|\b172\.24\.4\.\d+|(?<=Signature=)[\w%-]+|^[\w-]{40}aA1!$|^[A-Za-z0-9]{20}$"
)
"""The address of the cloud, times in seconds, addresses outside, signatures, and what is made by chance."""


def portrait(made: Objects) -> list[str]:
    """A line for each object, sorted."""
    names = dict(_names(made))
    return sorted(
        f"{table} {_plain(each, names)}"
        for table, objects in made.items()
        if table not in _WITHOUT
        for each in objects
    )


def _names(made: Objects) -> Iterator[tuple[str, str]]:
    """The ids of all objects, each with what it stands for."""
    for table, objects in made.items():
        for each in objects:
            own = each.get("id") or next((each[key] for key in each if key.endswith("_ref")), "")
            if found := _ID.search(str(own).rpartition("/")[2]):
                yield found[0], f"({table} {_plain(each.get('name') or each.get('description') or '', {})})"


def _plain(value: Any, names: Mapping[str, str]) -> Any:
    """A value without what varies."""
    if isinstance(value, Mapping):
        return {key: _plain(value[key], names) for key in sorted(value) if key not in _BY_CHANCE}
    if isinstance(value, list):
        return sorted((_plain(each, names) for each in value), key=str)
    if isinstance(value, str):
        named = _ID.sub(lambda found: names.get(found[0], "(id)"), value)
        return _SUFFIX.sub("", _VARIES.sub("", named))
    return value
