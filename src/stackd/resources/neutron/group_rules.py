"""The rules of a security group as its template lists them, and as the group has them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from stackd.errors import CloudConflict, CloudNotFound
from stackd.resources.constraints import custom, one_of
from stackd.resources.context import JSON, Context
from stackd.resources.neutron.rules import PacketProps, Protocols, check_ports, rule_body, same_rule_key
from stackd.resources.schema import prop
from stackd.template.unknown import Unknown

_BY_GROUP, _BY_PREFIX = "remote_group_id", "remote_ip_prefix"


class RuleProps(PacketProps):
    """One rule of a group."""

    description: str | None = prop("What the rule is for.", since="27.0.0")
    protocol: str | None = prop(
        "Name or number of the protocol; all when left out.", constraints=[Protocols()]
    )
    remote_mode: str = prop(
        "Whether the other side is given as a range of addresses or as a group.",
        default=_BY_PREFIX,
        constraints=[one_of(_BY_PREFIX, _BY_GROUP)],
    )
    remote_group_id: str | None = prop(
        "Group of the ports on the other side, this one when left out; for remote_mode remote_group_id.",
        constraints=[custom("neutron.security_group")],
        find="neutron.security_group",
    )


def check_rules(rules: Iterable[RuleProps | Unknown]) -> None:
    """Refuse ranges of ports that end before they begin."""
    for index, rule in enumerate(rules):
        if isinstance(rule, RuleProps):
            path = f"properties.rules[{index}]"
            check_ports(rule.port_range_min, rule.port_range_max, rule.protocol, path)


async def give_rules(ctx: Context, rules: Iterable[Mapping[str, Any]]) -> None:
    """Give rules to a new group; an earlier attempt may have come further than we know."""
    try:
        await write_rules(ctx, rules, await ctx.live())
    except CloudConflict:
        await write_rules(ctx, rules, await ctx.live(fresh=True))


async def write_rules(ctx: Context, rules: Iterable[Mapping[str, Any]], live: JSON) -> None:
    """Give the group exactly the wanted rules. Old ones go first, as they can hinder new ones."""
    wanted = {same_rule_key(rule): rule for rule in wanted_rules(rules, ctx.physical_id)}
    present = {same_rule_key(rule): rule["id"] for rule in live["security_group_rules"]}
    for key in present.keys() - wanted.keys():
        await _remove(ctx, present[key])
    missing = [rule for key, rule in wanted.items() if key not in present]
    if missing:
        await ctx.cloud.network.post("/security-group-rules", {"security_group_rules": missing})


async def _remove(ctx: Context, rule: str) -> None:
    try:
        await ctx.cloud.network.delete(f"/security-group-rules/{rule}")
    except CloudNotFound:
        return


def wanted_rules(rules: Iterable[Mapping[str, Any]], group: str) -> Iterable[JSON]:
    """The rules of a group as the API takes them; without egress rules all egress is allowed."""
    bodies = [rule_body(_with_remote(rule, group), group) for rule in rules]
    if not any(rule["direction"] == "egress" for rule in bodies):
        versions = ("IPv4", "IPv6")
        bodies += [rule_body({"direction": "egress", "ethertype": each}, group) for each in versions]
    return bodies


def _with_remote(rule: Mapping[str, Any], group: str) -> JSON:
    """The rule with only that of its two remote sides which its mode means."""
    body = {key: value for key, value in rule.items() if key != "remote_mode"}
    if rule["remote_mode"] == _BY_GROUP:
        return {**body, _BY_PREFIX: None, _BY_GROUP: rule.get(_BY_GROUP) or group}
    return {**body, _BY_GROUP: None}
