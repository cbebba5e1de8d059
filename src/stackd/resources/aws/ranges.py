"""Ranges of addresses in properties. Pure."""

from __future__ import annotations

from ipaddress import ip_network
from typing import Any

from stackd.errors import PropertyError
from stackd.resources.rules import is_set
from stackd.template.unknown import Unknown


def check_range(value: Any, path: str) -> None:
    """Refuse what is no range of addresses; one that is not known or not given is not judged."""
    if isinstance(value, Unknown) or not is_set(value):
        return
    try:
        ip_network(value, strict=False)
    except ValueError:
        raise PropertyError(
            f"'{value!s:.50}' is no range of addresses.",
            path=path,
            remedy="Write it in CIDR notation, such as 10.0.0.0/16.",
        ) from None


def version_of(value: str) -> int:
    """The version of the Internet Protocol of a range."""
    return ip_network(value, strict=False).version
