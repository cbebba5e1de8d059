"""OS::Neutron::MeteringRule, which chooses the traffic that is counted under a label."""

from __future__ import annotations

from contextlib import suppress
from ipaddress import ip_network
from typing import ClassVar

from stackd.errors import CloudNotFound
from stackd.resources.attributes import attr
from stackd.resources.constraints import one_of
from stackd.resources.context import JSON, Context
from stackd.resources.exclusive import ExclusiveResource
from stackd.resources.neutron.network import network
from stackd.resources.registry import resource_type
from stackd.resources.rest import same
from stackd.resources.schema import Properties, prop

_FIELDS = ("metering_label_id", "remote_ip_prefix", "direction", "excluded")


class MeteringRuleProps(Properties):
    """Properties of a rule."""

    metering_label_id: str = prop("Id of the label.", required=True)
    remote_ip_prefix: str = prop("Addresses of the other side in CIDR notation.", required=True)
    direction: str = prop(
        "Whether traffic that comes in or goes out is counted.",
        default="ingress",
        constraints=[one_of("ingress", "egress")],
    )
    excluded: bool = prop("Whether this traffic is left out instead.", default="False")


@resource_type("OS::Neutron::MeteringRule", since="2014.1")
class MeteringRule(ExclusiveResource[MeteringRuleProps]):
    """Traffic for a label. A label has no two rules that overlap, so that the values tell rules apart."""

    entity = network(
        "metering_label_rule",
        path="/metering/metering-label-rules",
        name_field="",
        distinct=True,
        found_by=("metering_label_id", "direction"),
    )
    survives = True
    fields: ClassVar = same(*_FIELDS)
    attributes: ClassVar = {
        "metering_label_id": attr("Id of the label."),
        "remote_ip_prefix": attr("Addresses of the other side."),
        "direction": attr("Direction of the traffic."),
        "excluded": attr("Whether this traffic is left out."),
    }

    async def displace(self, ctx: Context, props: MeteringRuleProps) -> None:
        """Remove what overlaps from the label."""
        service, entity, wanted = self.service_of(ctx), self.entity, self.body(ctx, props)
        query = {name: wanted[name] for name in entity.found_by}
        for each in await service.list_all(entity.path, entity.plural, query):
            if _is_in_the_way(each, wanted):
                with suppress(CloudNotFound):
                    await service.delete(entity.at(each["id"]))


def _is_in_the_way(rule: JSON, wanted: JSON) -> bool:
    """Whether two rules of a label, and of one direction, overlap without being the same."""
    one, other = (ip_network(each["remote_ip_prefix"], strict=False) for each in (rule, wanted))
    is_same = all(rule[name] == wanted[name] for name in _FIELDS)
    return not is_same and one.version == other.version and one.overlaps(other)
