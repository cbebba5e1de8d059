"""The address policy for URLs from users: the public Internet, and what the operator allows.

The table is the one of the special-purpose registries (RFC 6890 and its successors), spelled out so that
it does not depend on the version of Python.
"""

from __future__ import annotations

import errno
import socket
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Any, Final

Network = IPv4Network | IPv6Network
Address = IPv4Address | IPv6Address

_SPECIAL: Final = tuple(
    map(
        ip_network,
        (
            "0.0.0.0/8",  # this network
            "10.0.0.0/8",  # private
            "100.64.0.0/10",  # carrier-grade NAT
            "127.0.0.0/8",  # loopback
            "169.254.0.0/16",  # link-local, and the metadata service of clouds
            "172.16.0.0/12",  # private
            "192.0.0.0/24",  # protocol assignments
            "192.0.2.0/24",  # documentation
            "192.88.99.0/24",  # relays from 6to4
            "192.168.0.0/16",  # private
            "198.18.0.0/15",  # benchmarks
            "198.51.100.0/24",  # documentation
            "203.0.113.0/24",  # documentation
            "224.0.0.0/4",  # multicast
            "240.0.0.0/4",  # reserved, and broadcast
            "2001::/23",  # protocol assignments, Teredo among them
            "2001:db8::/32",  # documentation
            "2002::/16",  # 6to4
            "3fff::/20",  # documentation
        ),
    )
)
_GLOBAL_UNICAST: Final = IPv6Network("2000::/3")
"""All of IPv6 that is given out for the Internet; loopback, link-local and multicast lie outside."""

EVERYWHERE: Final = ("0.0.0.0/0", "::/0")
"""All addresses of both versions."""

_EMBEDDING: Final = (IPv6Network("::ffff:0:0/96"), IPv6Network("64:ff9b::/96"))
"""Forms of IPv6 that lead to the IPv4 address in their last 32 bits: mapped, and by NAT64."""


@dataclass(frozen=True, slots=True)
class AddressPolicy:
    """The operator's exceptions: ``denied`` beats ``allowed``, which beats what is special."""

    allowed: tuple[Network, ...] = ()
    denied: tuple[Network, ...] = ()

    @classmethod
    def of(cls, allowed: Iterable[str] = (), denied: Iterable[str] = ()) -> AddressPolicy:
        """The policy with these networks, written as CIDR."""
        return cls(tuple(map(ip_network, allowed)), tuple(map(ip_network, denied)))

    def permits(self, text: str) -> bool:
        """Whether a connection to the address is allowed; anything that is not an address is refused."""
        try:
            address = ip_address(text)
        except ValueError:
            return False
        if isinstance(address, IPv6Address) and address.scope_id is not None:
            return False
        target = _embedded(address)
        if _within(target, self.denied) or _within(address, self.denied):
            return False
        return _within(target, self.allowed) or is_public(target)


def is_public(address: Address) -> bool:
    """Whether the address is one of the Internet at large."""
    if isinstance(address, IPv6Address) and address not in _GLOBAL_UNICAST:
        return False
    return not _within(address, _SPECIAL)


def _embedded(address: Address) -> Address:
    """The IPv4 address that another form stands for, else the address itself."""
    if isinstance(address, IPv6Address) and _within(address, _EMBEDDING):
        return IPv4Address(int(address) & 0xFFFF_FFFF)
    return address


def _within(address: Address, networks: Iterable[Network]) -> bool:
    return any(address.version == network.version and address in network for network in networks)


def checked_socket(policy: AddressPolicy, address: tuple[Any, ...]) -> socket.socket:
    """A socket for one address; the address policy is checked here and only here."""
    family, kind, protocol, _, place = address
    if not policy.permits(str(place[0])):
        raise OSError(errno.EACCES, "the address is not permitted")
    return socket.socket(family=family, type=kind, proto=protocol)
