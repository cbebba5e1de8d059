"""OS::Neutron::PortChain, the way of traffic through service functions."""

from __future__ import annotations

from typing import Any, ClassVar

from stackd.resources.context import JSON, Context
from stackd.resources.neutron.plugged import DESCRIPTION, description_of, name_of, plugged
from stackd.resources.registry import resource_type
from stackd.resources.rest import Field, RestResource
from stackd.resources.schema import IN_PLACE, Properties, Support, prop


class PortChainProps(Properties):
    """Properties of a port chain."""

    name: str | None = name_of("chain")
    description: str | None = description_of("chain")
    port_pair_groups: list[str] = prop(
        "Names or ids of the groups in the order of the way.",
        required=True,
        update=IN_PLACE,
        element_find="neutron.port_pair_group",
    )
    flow_classifiers: list[str] = prop(
        "Names or ids of the classifiers; what any of them selects goes this way.",
        default=[],
        update=IN_PLACE,
        element_find="neutron.flow_classifier",
    )
    chain_parameters: dict[str, Any] = prop(
        "How packets are marked on their way.", default={"correlation": "mpls"}
    )


@resource_type("OS::Neutron::PortChain", support=Support("UNSUPPORTED", "8.0.0"))
class PortChain(RestResource[PortChainProps]):
    """Leads the selected traffic through groups of service functions, one after another.

    Two chains can neither have the same way nor a classifier in common: the old chain goes before a
    replacement is made, and is made again if that is taken back.
    """

    extension = "sfc"
    entity = plugged("/sfc/port_chains", "port_chain", "port_chains")
    survives = True
    fields: ClassVar = {
        "name": "name",
        "description": DESCRIPTION,
        "port_pair_groups": "port_pair_groups",
        "flow_classifiers": Field("flow_classifiers", cleared=[]),
        "chain_parameters": Field("chain_parameters", convert=dict),
    }

    async def prepare_for_replace(self, ctx: Context, props: PortChainProps) -> None:
        """Delete the chain."""
        await self.delete(ctx, props)

    async def undo_replace(self, ctx: Context, props: PortChainProps) -> None:
        """Make the chain again, in the place of the one that has its way or its classifiers."""
        chains = await ctx.cloud.network.list_all(self.entity.path, self.entity.plural)
        if any(each["id"] == ctx.physical_id for each in chains):
            return
        for each in chains:
            if _in_the_way(each, props):
                await ctx.cloud.network.delete(f"{self.entity.path}/{each['id']}")
        made = await self.make(ctx, props)
        await ctx.created(made["id"], made)


def _in_the_way(chain: JSON, props: PortChainProps) -> bool:
    same_way = chain["port_pair_groups"] == props.port_pair_groups
    return same_way or not set(chain["flow_classifiers"]).isdisjoint(props.flow_classifiers)
