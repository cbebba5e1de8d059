"""Where the members of a group are, for load balancers; a resource of the stack inside the group."""

from __future__ import annotations

from typing import Any

from stackd.resources.aws import load_balancers
from stackd.resources.base import ResourceType
from stackd.resources.context import Context
from stackd.resources.registry import resource_type
from stackd.resources.schema import IN_PLACE, Properties, Support, prop


class MembersProps(Properties):
    """Properties of the members of a load balancer."""

    names: list[Any] = prop(
        "Names of the load balancers, in the stack around the group.",
        name=load_balancers.NAMES,
        required=True,
        update=IN_PLACE,
    )
    addresses: list[Any] = prop(
        "Addresses of the members.", name=load_balancers.ADDRESSES, required=True, update=IN_PLACE
    )


@resource_type(load_balancers.MEMBERS, support=Support("HIDDEN"))
class LoadBalancerMembers(ResourceType[MembersProps]):
    """Says where the members of a group are; load balancers read it.

    It changes after new members work, and before former ones go.
    """

    local = True

    async def create(self, ctx: Context, props: MembersProps) -> None:
        """Make nothing but a name."""
        await ctx.created(ctx.physical_name)

    async def update(self, ctx: Context, old: MembersProps, new: MembersProps) -> None:
        """Nothing to do: what is read are the properties."""

    async def delete(self, ctx: Context, props: MembersProps) -> None:
        """Delete nothing."""
