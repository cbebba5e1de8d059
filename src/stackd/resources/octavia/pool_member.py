"""OS::Octavia::PoolMember, a server that takes connections."""

from __future__ import annotations

from functools import partial
from typing import Any, ClassVar

from stackd.resources.constraints import between, custom
from stackd.resources.context import JSON, Context
from stackd.resources.octavia.balanced import Balanced, in_turn, octavia
from stackd.resources.registry import resource_type
from stackd.resources.rest import Field, same
from stackd.resources.schema import IN_PLACE, Properties, prop


class PoolMemberProps(Properties):
    """Properties of a member."""

    pool: str = prop("Name or id of the pool.", required=True, find="octavia.pool")
    address: str = prop("Address of the member.", required=True, constraints=[custom("ip_addr")])
    protocol_port: int = prop(
        "Port on which the member takes connections.", required=True, constraints=[between(1, 65535)]
    )
    monitor_address: str | None = prop(
        "Address at which the member's health is seen, if it is another.", constraints=[custom("ip_addr")]
    )
    monitor_port: int | None = prop(
        "Port at which the member's health is seen, if it is another.", constraints=[between(1, 65535)]
    )
    weight: int = prop(
        "Share of the connections, relative to those of other members; 0 for no new ones.",
        default=1,
        update=IN_PLACE,
        constraints=[between(0, 256)],
    )
    admin_state_up: bool = prop("Whether the member gets connections.", default=True, update=IN_PLACE)
    subnet: str | None = prop("Name or id of the subnet of the address.", find="neutron.subnet")
    tags: list[Any] | None = prop("Tags of the member.", update=IN_PLACE, since="13.0.0")


@resource_type("OS::Octavia::PoolMember", since="10.0.0")
class PoolMember(Balanced[PoolMemberProps]):
    """A server in a pool. It is found again by a name, which it has for nothing else.

    Members that are ready to be made at the same moment are one change of the load balancer.
    """

    entity = octavia("member", "members", inside="/pools/{pool}")
    fields: ClassVar = same("address", "protocol_port", "monitor_address", "monitor_port") | {
        "weight": Field("weight", cleared=1),
        "admin_state_up": "admin_state_up",
        "subnet": "subnet_id",
        "tags": Field("tags", cleared=[]),
    }

    async def added(self, ctx: Context, props: PoolMemberProps, balancer: str) -> JSON:
        """The member, made with others of the pool; by itself if the service does not make it with them."""
        entity = self.entity.of(ctx.resource)
        body = entity.wrap(await self.creation(ctx, props))
        join = partial(self.service_of(ctx).join, entity.path, body)
        if made := await in_turn(ctx, balancer, join, group=entity.path):
            return entity.unwrap(made)
        return await super().added(ctx, props, balancer)

    async def occupant(self, ctx: Context, props: PoolMemberProps) -> str | None:
        """The member of the pool with this address and port, which can be one."""
        entity, same = self.entity.of(ctx.resource), props.body("address", "protocol_port")
        members = await self.service_of(ctx).list_all(entity.path, entity.plural, same)
        return next((str(each["id"]) for each in members if same.items() <= each.items()), None)
