"""Rules of security groups: which packets they are for, and when two rules are the same. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_network
from typing import Any

from stackd.errors import PropertyError
from stackd.resources.constraints import between, custom, one_of
from stackd.resources.context import JSON
from stackd.resources.rules import known
from stackd.resources.schema import Properties, prop
from stackd.template.constraints import AllowedValues
from stackd.wording import Complaint, Reason

_NAMED = (
    "ah",
    "dccp",
    "egp",
    "esp",
    "gre",
    "icmp",
    "icmpv6",
    "igmp",
    "ipv6-encap",
    "ipv6-frag",
    "ipv6-icmp",
    "ipv6-nonxt",
    "ipv6-opts",
    "ipv6-route",
    "ospf",
    "pgm",
    "rsvp",
    "sctp",
    "tcp",
    "udp",
    "udplite",
    "vrrp",
)
_PROTOCOLS = (*range(256), *_NAMED)
_ICMP = frozenset({"icmp", "icmpv6", "ipv6-icmp", "1", "58"})
_KEYS = ("direction", "protocol", "port_range_min", "port_range_max", "remote_group_id")
_EVERYWHERE = frozenset({"0.0.0.0/0", "::/0"})


@dataclass(frozen=True, slots=True)
class Protocols(AllowedValues):
    """An IP protocol by name, or by number as a text."""

    allowed: tuple[str, ...] = _PROTOCOLS

    def _problem(self, value: str) -> Complaint | None:
        if value in _NAMED or (value.isdecimal() and int(value) < 256):
            return None
        return Reason.NOT_ALLOWED(found=f'"{value}"', allowed=f"[0 to 255, {', '.join(_NAMED)}]")


class PacketProps(Properties):
    """The packets that a rule is for: what rules inside and outside of groups have in common."""

    direction: str = prop(
        "Whether the rule is for packets to or from the port.",
        default="ingress",
        constraints=[one_of("ingress", "egress")],
    )
    ethertype: str = prop(
        "Version of the Internet Protocol.", default="IPv4", constraints=[one_of("IPv4", "IPv6")]
    )
    port_range_min: int | None = prop("First port; the type for ICMP.", constraints=[between(0, 65535)])
    port_range_max: int | None = prop("Last port; the code for ICMP.", constraints=[between(0, 65535)])
    remote_ip_prefix: str | None = prop(
        "Addresses of the other side in CIDR notation.", constraints=[custom("net_cidr")]
    )


def same_rule_key(rule: Mapping[str, Any]) -> tuple[Any, ...]:
    """The key of a rule: equal for rules that the service takes for the same.

    The service does not distinguish an absent address from any address, nor the two names of one protocol.
    """
    protocol = rule.get("protocol") or None
    if protocol == "icmpv6":
        protocol = "ipv6-icmp"
    prefix = rule.get("remote_ip_prefix") or None
    if prefix is not None:
        prefix = str(ip_network(prefix, strict=False))
    plain = {**rule, "protocol": protocol}
    return (
        *(plain.get(key) or None if key == "remote_group_id" else plain.get(key) for key in _KEYS),
        rule.get("ethertype") or "IPv4",
        None if prefix in _EVERYWHERE else prefix,
        rule.get("description") or None,
    )


def check_ports(low: Any, high: Any, protocol: Any, path: str) -> None:
    """Refuse a range of ports that ends before it begins; for ICMP the two are type and code."""
    low, high, protocol = known(low), known(high), known(protocol)
    if low is None or high is None or protocol in _ICMP or low <= high:
        return
    raise PropertyError(
        f"port_range_min ({low}) must not be greater than port_range_max ({high}).",
        path=path,
        remedy="Exchange the two.",
    )


def rule_body(values: Mapping[str, Any], group: str) -> JSON:
    """A rule as the API takes it, for the group of this id."""
    body = {key: value for key, value in values.items() if value not in (None, "")}
    return {**body, "security_group_id": group}
