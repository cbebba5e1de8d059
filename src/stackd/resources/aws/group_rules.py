"""Rules of security groups by the names of AWS, and the same as rules of Neutron."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from stackd.errors import PropertyError
from stackd.resources.aws.ranges import check_range, version_of
from stackd.resources.context import JSON, Context
from stackd.resources.neutron.rules import check_ports
from stackd.resources.rules import is_set
from stackd.resources.schema import Properties, prop
from stackd.template.unknown import Unknown

_ANY: Final = (None, "", "-1")
_SOURCES: Final = ("CidrIp", "SourceSecurityGroupId", "SourceSecurityGroupName")
_LARGEST: Final = 65535


class RuleProps(Properties):
    """One rule of a group."""

    cidr: str | None = prop("Addresses of the other side in CIDR notation.", name="CidrIp")
    first: str | None = prop("First port, or the type for ICMP; -1 for any.", name="FromPort")
    last: str | None = prop("Last port, or the code for ICMP; -1 for any.", name="ToPort")
    protocol: str | None = prop("Name or number of the protocol; -1 for any.", name="IpProtocol")
    group: str | None = prop("Id of the group of the other side.", name="SourceSecurityGroupId")
    group_name: str | None = prop("Name of the group of the other side.", name="SourceSecurityGroupName")
    owner: str | None = prop(
        "Owner of the group of the other side; it has no effect.", name="SourceSecurityGroupOwnerId"
    )


def check_rules(name: str, rules: Any) -> None:
    """Refuse ports that are no numbers or not in order, and two other sides; unknown rules are not judged."""
    for index, rule in enumerate(rules if isinstance(rules, list) else ()):
        if not isinstance(rule, Mapping):
            continue
        path = f"properties.{name}[{index}]"
        low, high = (_checked_port(rule, key, path) for key in ("FromPort", "ToPort"))
        protocol = rule.get("IpProtocol")
        check_ports(low, high, protocol.lower() if isinstance(protocol, str) else protocol, path)
        check_range(rule.get("CidrIp"), f"{path}.CidrIp")
        if len([key for key in _SOURCES if is_set(rule.get(key))]) > 1:
            raise PropertyError(
                f"A rule has one other side at most: {', '.join(_SOURCES)}.",
                path=path,
                remedy="Keep one of them, and write another rule for each of the others.",
            )


def _checked_port(rule: Mapping[str, Any], key: str, path: str) -> int | None:
    value = rule.get(key)
    if isinstance(value, Unknown) or value in _ANY:
        return None
    if not (str(value).isascii() and str(value).isdecimal() and int(value) <= _LARGEST):
        raise PropertyError(
            f"{key} is the number of a port, not '{value!s:.50}'.",
            path=f"{path}.{key}",
            remedy=f"Give it a number from 0 to {_LARGEST}, or -1 for any.",
        )
    return int(value)


async def as_rules(
    ctx: Context, ingress: Iterable[RuleProps] | None, egress: Iterable[RuleProps] | None
) -> list[JSON]:
    """The rules as Neutron takes them, with ids for the names of groups."""
    directions = (("ingress", ingress), ("egress", egress))
    return [await _rule(ctx, direction, rule) for direction, rules in directions for rule in rules or ()]


async def _rule(ctx: Context, direction: str, rule: RuleProps) -> JSON:
    group = rule.group
    if not group and rule.group_name:
        group = await ctx.find.id_of("neutron.security_group", rule.group_name)
    return {
        "direction": direction,
        "ethertype": f"IPv{version_of(rule.cidr) if rule.cidr else 4}",
        "protocol": None if rule.protocol in _ANY else str(rule.protocol).lower(),
        "port_range_min": _port(rule.first),
        "port_range_max": _port(rule.last),
        "remote_mode": "remote_group_id" if group else "remote_ip_prefix",
        "remote_group_id": group or None,
        "remote_ip_prefix": rule.cidr or None,
    }


def _port(value: str | None) -> int | None:
    return None if value in _ANY else int(str(value))
