"""Load balancers and their parts: what they have in common.

While a load balancer or a part of it is being changed, the service refuses every other change of it with a
conflict. So the resources of an operation change it in turns, and what others do to it is waited for.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from functools import partial
from typing import Any, ClassVar, Final, TypeVar

from stackd.clients.lookup import Collection
from stackd.clients.service import Service
from stackd.errors import CloudConflict, CloudNotFound, ResourceFailure, ResourceInError
from stackd.resources.base import P
from stackd.resources.context import JSON, Context
from stackd.resources.entity import Entity, Readiness
from stackd.resources.rest import RestResource

T = TypeVar("T")
Usable = Callable[[JSON], bool]

SERVICE: Final = "load-balancer"
STATUS: Final = "provisioning_status"
_PLURALS: Final = {
    "loadbalancer": "loadbalancers",
    "listener": "listeners",
    "pool": "pools",
    "l7policy": "l7policies",
}
"""What objects are parts of: the properties that say so, and the collections."""

_LEAVING: Final = ("PENDING_DELETE", "DELETED")
_RESOLUTION: Final = 1.0
"""Seconds within which two changes of a load balancer may have the same time."""


def octavia(key: str, plural: str, *, inside: str = "", name: str = "name") -> Entity:
    """The collection of one kind of object; ``inside`` is the path of the object that it belongs to."""
    return Entity(SERVICE, f"/lbaas{inside}/{plural}", key, plural, update="PUT", name_field=name)


def names(title: str, plural: str) -> Collection:
    """The collection in which objects are looked up by name."""
    return Collection(title, SERVICE, f"/lbaas/{plural}", plural)


BALANCERS: Final = octavia("loadbalancer", "loadbalancers")


class Balanced(RestResource[P]):
    """A part of a load balancer; which one, and what else its path needs, are private values."""

    readiness = Readiness(("ACTIVE",), ("PENDING_CREATE", "PENDING_UPDATE"), STATUS)
    awaits_deletion = True
    survives: ClassVar[bool] = True

    async def placed(self, ctx: Context, props: P) -> str:
        """The load balancer that an object with these properties is a part of, stored."""
        kind = next(name for name in _PLURALS if props.data.get(name))
        identity = str(props.data[kind])
        place = {"balancer": await _balancer_of(self.service_of(ctx), kind, identity)}
        if self.entity.is_inside:
            place[kind] = identity
        if any(ctx.data.get(name) != value for name, value in place.items()):
            await ctx.put_data(**place)
        return place["balancer"]

    async def balancer(self, ctx: Context, props: P) -> str:
        """The load balancer of an object that is there; one that was adopted does not know it yet."""
        return ctx.data.get("balancer") or await self.placed(ctx, props)

    async def occupant(self, ctx: Context, props: P) -> str | None:
        """The id of the object that has a place where there can be only one."""
        return None

    async def displace(self, ctx: Context, props: P, other: str) -> None:
        """Take the place from the object that has it."""
        entity = self.entity.of(ctx.resource)
        await self.service_of(ctx).delete(entity.at(other))

    async def make(self, ctx: Context, props: P) -> JSON:
        """The object that the service makes when it can; the one that it replaces makes way for it."""
        balancer = await self.placed(ctx, props)
        if ctx.resource.replaces and (other := await self.occupant(ctx, props)):
            row = await ctx.sibling(other)
            if row is not None and row.name == ctx.resource.name:
                await self._displaced(ctx, props, other)
        return await self.added(ctx, props, balancer)

    async def added(self, ctx: Context, props: P, balancer: str) -> JSON:
        """The object, made when the load balancer can be changed."""
        return await in_turn(ctx, balancer, partial(super().make, ctx, props))

    async def undo_replace(self, ctx: Context, props: P) -> None:
        """Make an object again that made way for its replacement, in the place of that."""
        if type(self).occupant is Balanced.occupant or await self._stands(ctx):
            return
        if other := await self.occupant(ctx, props):
            await self._displaced(ctx, props, other)
        await self.create(ctx, props)

    async def _displaced(self, ctx: Context, props: P, other: str) -> None:
        with suppress(CloudNotFound):
            await in_turn(ctx, await self.balancer(ctx, props), partial(self.displace, ctx, props, other))

    async def _stands(self, ctx: Context) -> bool:
        try:
            return (await ctx.live(fresh=True))[STATUS] not in _LEAVING
        except CloudNotFound:
            return False

    async def find(self, ctx: Context, props: P) -> Sequence[JSON]:
        """See ``ResourceType``. Where no place is stored, nothing was asked for."""
        return await self.find_placed(ctx, props) if "balancer" in ctx.data else ()

    async def find_placed(self, ctx: Context, props: P) -> Sequence[JSON]:
        """The objects at the place that an interrupted creation may have made."""
        return await super().find(ctx, props)

    async def update(self, ctx: Context, old: P, new: P) -> None:
        """Send what differs when the service can change it."""
        if body := await self.change(ctx, old, new):
            await in_turn(ctx, await self.balancer(ctx, new), partial(self.write, ctx, body))

    async def delete(self, ctx: Context, props: P) -> None:
        """Remove the object when the service can."""
        await in_turn(ctx, await self.balancer(ctx, props), partial(super().delete, ctx, props))

    def gone(self, live: JSON) -> bool:
        """Whether the object counts as deleted; raise when the deletion failed."""
        if live[STATUS] == "ERROR":
            raise ResourceInError('Went to status ERROR due to "Unknown"')
        return bool(live[STATUS] == "DELETED")


async def _balancer_of(service: Service, kind: str, identity: str) -> str:
    """The load balancer that an object belongs to, by way of the objects between."""
    while kind != "loadbalancer":
        live = (await service.get_fact(f"/lbaas/{_PLURALS[kind]}/{identity}"))[kind]
        kind, identity = _owner(live)
    return identity


def _owner(live: JSON) -> tuple[str, str]:
    if balancers := live.get("loadbalancers"):
        return "loadbalancer", str(balancers[0]["id"])
    return "listener", str(live["listener_id"])


def is_idle(live: JSON) -> bool:
    """Whether a load balancer can be changed; raise when nothing but its operator can help."""
    status = live[STATUS]
    if status == "DELETED":
        raise CloudNotFound(f"The load balancer {live['id']} is deleted.", service=SERVICE)
    if status == "ERROR":
        raise ResourceFailure(
            f"The load balancer {live['id']} is in ERROR, so that the service changes nothing of it. "
            "Have it failed over, or delete it with all its parts."
        )
    return bool(status == "ACTIVE")


async def in_turn(
    ctx: Context,
    balancer: str,
    send: Callable[[], Awaitable[T]],
    usable: Usable = is_idle,
    group: str = "",
) -> T:
    """The answer to a request that changes a load balancer, or a part of it, once it is ``usable``.

    Requests of one ``group`` are sent at the same moment, to be combined. A conflict that stays while nobody
    changes the load balancer has another cause, and is raised.
    """
    what, place = f"load balancer {balancer} can be changed", (BALANCERS, balancer)
    times: list[Any] = []
    async with ctx.turn(balancer, group) as is_changing:
        if is_changing:
            await ctx.poll(usable, what, of=place)
        while True:
            try:
                return await send()
            except CloudConflict:
                live = await ctx.poll(usable, what, of=place)
                times.append(live.get("updated_at"))
                if len(times) >= 3 and len(set(times[-3:])) == 1:
                    raise
            if times[-2:-1] == times[-1:]:
                await ctx.sleep(_RESOLUTION)
