"""OS::Octavia::Pool, members that take connections from one load balancer."""

from __future__ import annotations

from functools import partial
from typing import ClassVar

from stackd.errors import PropertyError
from stackd.resources.attributes import LIVE, attr
from stackd.resources.constraints import one_of
from stackd.resources.context import JSON, Context
from stackd.resources.octavia.balanced import Balanced, in_turn, names, octavia
from stackd.resources.octavia.listener import PROTOCOLS
from stackd.resources.registry import resource_type
from stackd.resources.rest import Field, same
from stackd.resources.rules import at_least_one, is_set
from stackd.resources.schema import IN_PLACE, Properties, prop


class PersistenceProps(Properties):
    """How connections of one client reach the same member."""

    type: str = prop(
        "What a client is recognized by.",
        required=True,
        constraints=[one_of("SOURCE_IP", "HTTP_COOKIE", "APP_COOKIE")],
    )
    cookie_name: str | None = prop("Name of the cookie of the application, for APP_COOKIE.")


class PoolProps(Properties):
    """Properties of a pool."""

    admin_state_up: bool = prop("Whether the pool works.", default=True, update=IN_PLACE)
    session_persistence: PersistenceProps | None = prop(
        "How connections of one client reach the same member.", update=IN_PLACE
    )
    name: str | None = prop("Name of the pool.", update=IN_PLACE)
    description: str = prop("What the pool is for.", default="", update=IN_PLACE)
    lb_algorithm: str = prop(
        "How connections are spread over the members.",
        required=True,
        update=IN_PLACE,
        constraints=[one_of("ROUND_ROBIN", "LEAST_CONNECTIONS", "SOURCE_IP", "SOURCE_IP_PORT")],
    )
    listener: str | None = prop(
        "Name or id of the listener whose default pool this is.", find="octavia.listener"
    )
    loadbalancer: str | None = prop(
        "Name or id of the load balancer to which the pool belongs.", find="octavia.loadbalancer"
    )
    protocol: str = prop("Protocol that the members speak.", required=True, constraints=[PROTOCOLS])
    tls_enabled: bool = prop(
        "Whether connections to members are encrypted.", default=False, update=IN_PLACE, since="14.0.0"
    )


@resource_type("OS::Octavia::Pool", since="10.0.0")
class Pool(Balanced[PoolProps]):
    """Members, and how connections are spread over them."""

    entity = octavia("pool", "pools")
    lookups: ClassVar = {"octavia.pool": names("Pool", "pools")}
    fields: ClassVar = same("admin_state_up", "name", "lb_algorithm", "protocol") | {
        "session_persistence": Field("session_persistence", cleared=None),
        "description": Field("description", cleared=""),
        "listener": "listener_id",
        "loadbalancer": "loadbalancer_id",
        "tls_enabled": Field("tls_enabled", cleared=False),
    }
    attributes: ClassVar = {
        "healthmonitor_id": attr("Id of the monitor of the members' health.", how=LIVE),
        "listeners": attr("The listeners whose default pool this is.", how=LIVE),
        "members": attr("The members of the pool.", "list", LIVE),
    }

    def validate(self, props: PoolProps) -> None:
        """A pool is a part of something, and a cookie has a name where the application sets it."""
        super().validate(props)
        at_least_one(props, "listener", "loadbalancer")
        if isinstance(persistence := props.session_persistence, PersistenceProps):
            _check_cookie(persistence)

    async def occupant(self, ctx: Context, props: PoolProps) -> str | None:
        """The default pool of the listener, which can have one."""
        if not props.listener:
            return None
        listener: JSON = (await self.service_of(ctx).get(f"/lbaas/listeners/{props.listener}"))["listener"]
        return listener.get("default_pool_id")

    async def displace(self, ctx: Context, props: PoolProps, other: str) -> None:
        """Leave the listener without a default pool; the pool itself stays."""
        await self._set_default(ctx, props, None)

    async def undo_replace(self, ctx: Context, props: PoolProps) -> None:
        """Be the default pool of the listener again."""
        if props.listener:
            put = partial(self._set_default, ctx, props, ctx.physical_id)
            await in_turn(ctx, await self.balancer(ctx, props), put)

    async def _set_default(self, ctx: Context, props: PoolProps, pool: str | None) -> None:
        body = {"listener": {"default_pool_id": pool}}
        await self.service_of(ctx).put(f"/lbaas/listeners/{props.listener}", body)


def _check_cookie(persistence: PersistenceProps) -> None:
    kind, named = persistence.type, is_set(persistence.cookie_name)
    if kind == "APP_COOKIE" and not named:
        message, remedy = "cookie_name is required when the type is APP_COOKIE.", "Give the cookie's name."
    elif kind == "SOURCE_IP" and named:
        message, remedy = "cookie_name must not be given when the type is SOURCE_IP.", "Leave it out."
    else:
        return
    raise PropertyError(message, path="properties.session_persistence.cookie_name", remedy=remedy)
