"""Which interfaces of a server have what the entries of its ``networks`` ask for (pure)."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence

from stackd.resources.context import JSON
from stackd.resources.nova.server_props import ServerNetwork

Subnets = Mapping[str, str]
"""Ids of subnets by what entries call them."""


def matched(
    entries: Sequence[ServerNetwork],
    interfaces: Sequence[JSON],
    subnets: Subnets,
    *,
    named: Collection[str],
    preferred: Callable[[ServerNetwork], Collection[str]],
) -> list[JSON | None]:
    """For each entry an interface that has all that it asks for, None where there is none.

    The most demanding entries choose first, those ``preferred`` before others. ``named`` are the ports that
    an entry names: they are for no other entry.
    """
    left = list(interfaces)
    found: list[JSON | None] = [None] * len(entries)
    for index in sorted(range(len(entries)), key=lambda at: _demands(entries[at]), reverse=True):
        entry = entries[index]
        fitting = [each for each in left if _fits(entry, each, subnets, named)]
        wishes = preferred(entry)
        chosen = next((each for each in fitting if each["port_id"] in wishes), next(iter(fitting), None))
        if chosen is not None:
            left.remove(chosen)
            found[index] = chosen
    return found


def addresses(interface: JSON) -> list[str]:
    """The addresses of a port."""
    return [each["ip_address"] for each in interface.get("fixed_ips") or ()]


def _demands(entry: ServerNetwork) -> tuple[bool, ...]:
    """What an entry asks for, the most special first."""
    asked = (entry.port, entry.fixed_ip, _mac(entry), entry.subnet, entry.tag, entry.port_extra_properties)
    return tuple(bool(each) for each in (*asked, entry.network))


def _fits(entry: ServerNetwork, interface: JSON, subnets: Subnets, named: Collection[str]) -> bool:
    port = interface["port_id"]
    if entry.allocate_network == "none":
        return False
    if entry.port or port in named:
        return bool(port == entry.port) and _has_tag(entry, interface)
    return (
        (not entry.network or interface["net_id"] == entry.network)
        and (not entry.fixed_ip or entry.fixed_ip in addresses(interface))
        and (not entry.subnet or _is_in(interface, subnets[entry.subnet]))
        and (not _mac(entry) or str(interface.get("mac_addr")).lower() == _mac(entry))
        and _has_tag(entry, interface)
    )


def _is_in(interface: JSON, subnet: str) -> bool:
    return any(each.get("subnet_id") == subnet for each in interface.get("fixed_ips") or ())


def _has_tag(entry: ServerNetwork, interface: JSON) -> bool:
    """Whether it has the tag that is asked for; old services do not show tags."""
    return not entry.tag or interface.get("tag", entry.tag) == entry.tag


def _mac(entry: ServerNetwork) -> str:
    extra = entry.port_extra_properties
    return str(extra.mac_address or "").lower() if extra else ""
