"""OS::Neutron::SecurityGroup, the rules by which packets reach and leave ports."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from stackd.errors import CloudConflict, CloudNotFound, PropertyError
from stackd.resources.constraints import custom, one_of
from stackd.resources.context import JSON, Context
from stackd.resources.neutron.network import network
from stackd.resources.neutron.rules import PacketProps, Protocols, check_ports, rule_body, same_rule_key
from stackd.resources.registry import resource_type
from stackd.resources.rest import KEEP, Field, RestResource
from stackd.resources.rules import known
from stackd.resources.schema import IN_PLACE, Properties, prop

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


class SecurityGroupProps(Properties):
    """Properties of a security group."""

    name: str | None = prop("Name of the group.", update=IN_PLACE)
    description: str | None = prop("What the group is for.", update=IN_PLACE)
    rules: list[RuleProps] = prop("Rules of the group.", default=[], update=IN_PLACE)
    stateful: bool | None = prop(
        "Whether answers pass without a rule of their own.", update=IN_PLACE, since="27.0.0"
    )


@resource_type("OS::Neutron::SecurityGroup", since="2014.1")
class SecurityGroup(RestResource[SecurityGroupProps]):
    """Lets packets through to and from ports; everything that no rule allows is dropped.

    Where no rule is given for packets that leave, all may leave.
    """

    extension = "security-group"
    entity = network("security_group")
    survives = True
    fields: ClassVar = {
        "name": "name",
        "stateful": Field("stateful", cleared=KEEP),
        "description": Field("description", cleared=""),
    }

    def validate(self, props: SecurityGroupProps) -> None:
        """The default group belongs to the service."""
        if props.name == "default":
            raise PropertyError(
                'Security groups cannot be assigned the name "default".',
                path="properties.name",
                remedy="Choose another name.",
            )
        for index, rule in enumerate(known(props.rules) or ()):
            if isinstance(rule, RuleProps):
                path = f"properties.rules[{index}]"
                check_ports(rule.port_range_min, rule.port_range_max, rule.protocol, path)

    async def configure(self, ctx: Context, props: SecurityGroupProps) -> None:
        """Give the group its rules."""
        if not props.rules:
            return
        try:
            await _write_rules(ctx, props, await ctx.live())
        except CloudConflict:  # an earlier attempt came further than we knew
            await _write_rules(ctx, props, await ctx.live(fresh=True))

    async def update(self, ctx: Context, old: SecurityGroupProps, new: SecurityGroupProps) -> None:
        """Rules are compared with those that the group has."""
        await super().update(ctx, old, new)
        if "rules" in new.changed(old):
            await _write_rules(ctx, new, await ctx.live(fresh=True))


async def _write_rules(ctx: Context, props: SecurityGroupProps, live: JSON) -> None:
    """Give the group exactly the wanted rules. Old ones go first, as they can hinder new ones."""
    wanted = {same_rule_key(rule): rule for rule in wanted_rules(props, ctx.physical_id)}
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


def wanted_rules(props: SecurityGroupProps, group: str) -> Iterable[JSON]:
    """The rules of a group in the API's words; all may leave where nothing is said about it."""
    rules = [rule_body(_with_remote(rule, group), group) for rule in props.data["rules"]]
    if not any(rule["direction"] == "egress" for rule in rules):
        versions = ("IPv4", "IPv6")
        rules += [rule_body({"direction": "egress", "ethertype": each}, group) for each in versions]
    return rules


def _with_remote(rule: Mapping[str, Any], group: str) -> JSON:
    """The rule with only that of its two remote sides which its mode means."""
    body = {key: value for key, value in rule.items() if key != "remote_mode"}
    if rule["remote_mode"] == _BY_GROUP:
        return {**body, _BY_PREFIX: None, _BY_GROUP: rule.get(_BY_GROUP) or group}
    return {**body, _BY_GROUP: None}
