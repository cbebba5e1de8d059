"""Addresses of subnets: allocation pools, and who has which address."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network

Network = IPv4Network | IPv6Network


class PoolExhausted(Exception):
    """No address is left in the pools of a subnet."""


@dataclass(slots=True)
class Addresses:
    """The addresses of one subnet."""

    network: Network
    pools: list[tuple[int, int]]
    """First and last address of each allocation pool."""

    used: set[int] = field(default_factory=set)
    _next: int = 0

    def contains(self, text: str) -> bool:
        """Whether an address lies in the subnet."""
        return ip_address(text) in self.network

    def is_free(self, text: str) -> bool:
        """Whether an address is free."""
        return int(ip_address(text)) not in self.used

    def take(self, text: str) -> None:
        """Allocate an address."""
        self.used.add(int(ip_address(text)))

    def give_back(self, text: str) -> None:
        """Release an address."""
        self.used.discard(int(ip_address(text)))

    def take_any(self) -> str:
        """Allocate a free address from the pools; released addresses are reused last."""
        total = sum(last - first + 1 for first, last in self.pools)
        for step in range(min(total, len(self.used) + 1)):
            number = self._at((self._next + step) % total)
            if number not in self.used:
                self._next = (self._next + step + 1) % total
                self.used.add(number)
                return str(self.network.network_address + (number - int(self.network.network_address)))
        raise PoolExhausted

    def _at(self, offset: int) -> int:
        for first, last in self.pools:
            size = last - first + 1
            if offset < size:
                return first + offset
            offset -= size
        raise PoolExhausted


def default_gateway(network: Network) -> str:
    """The gateway of a subnet that names none: its first host."""
    return str(network.network_address + (1 if network.num_addresses > 1 else 0))


def default_pools(network: Network, gateway: str | None) -> list[dict[str, str]]:
    """The whole subnet but for its gateway and, in IPv4, its broadcast address."""
    first = int(network.network_address)
    last = first + network.num_addresses - 1
    if network.num_addresses > 2:
        first += 1
        last -= 1 if network.version == 4 else 0
    base, offset = network.network_address, int(network.network_address)
    taken = int(ip_address(gateway)) if gateway else -1
    spans = [(first, taken - 1), (taken + 1, last)] if first <= taken <= last else [(first, last)]
    return [
        {"start": str(base + (low - offset)), "end": str(base + (high - offset))}
        for low, high in spans
        if low <= high
    ]


def pool_numbers(pools: Sequence[dict[str, str]]) -> list[tuple[int, int]]:
    """Pools as pairs of numbers."""
    return [(int(ip_address(pool["start"])), int(ip_address(pool["end"]))) for pool in pools]


def parse_network(cidr: str) -> Network:
    """A CIDR as a network, host bits dropped as Neutron does."""
    return ip_network(cidr, strict=False)
