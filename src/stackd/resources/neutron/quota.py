"""OS::Neutron::Quota, how much of the network service a project may use."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from stackd.resources.base import ResourceType
from stackd.resources.constraints import between
from stackd.resources.context import JSON, Context
from stackd.resources.registry import resource_type
from stackd.resources.rules import at_least_one
from stackd.resources.schema import IN_PLACE, Properties, prop

_QUOTAS = (
    *("subnet", "network", "floatingip", "security_group_rule", "security_group", "router", "port"),
    *("subnetpool", "rbac_policy"),
)
_RESET = "reset"


def _quota(plural: str, since: str | None = None) -> Any:
    """Declare the quota of one kind of object."""
    description = f"Most {plural} of the project; -1 for no limit."
    return prop(description, update=IN_PLACE, constraints=[between(-1)], since=since)


class QuotaProps(Properties):
    """Properties of the quotas."""

    project: str = prop("Name or id of the project.", required=True, find="keystone.project")
    subnet: int | None = _quota("subnets")
    network: int | None = _quota("networks")
    floatingip: int | None = _quota("floating IPs")
    security_group_rule: int | None = _quota("rules of security groups")
    security_group: int | None = _quota("security groups")
    router: int | None = _quota("routers")
    port: int | None = _quota("ports")
    subnetpool: int | None = _quota("subnet pools", "12.0.0")
    rbac_policy: int | None = _quota("RBAC policies", "12.0.0")


@resource_type("OS::Neutron::Quota", since="8.0.0")
class Quota(ResourceType[QuotaProps]):
    """The limits of a project; usually for administrators.

    They are no object of their own: the project has them always, and gets the usual ones back when the
    resource goes. One that is taken out of the template stays until then.
    """

    service = "network"
    extension = "quotas"

    def validate(self, props: QuotaProps) -> None:
        """At least one of them."""
        at_least_one(props, *_QUOTAS)

    def broken(self, live: JSON) -> bool:
        """Limits that could not be set are set again."""
        return False

    async def create(self, ctx: Context, props: QuotaProps) -> None:
        """Set the limits."""
        await _set(ctx, props)
        await ctx.created(ctx.physical_name)

    async def find(self, ctx: Context, props: QuotaProps) -> Sequence[JSON]:
        """The limits, if they are as wanted."""
        live = (await ctx.cloud.network.get(_path(props)))["quota"]
        return [{"id": ctx.physical_name}] if _limits(props).items() <= live.items() else []

    async def update(self, ctx: Context, old: QuotaProps, new: QuotaProps) -> None:
        """Set the limits anew."""
        await _set(ctx, new)

    async def delete(self, ctx: Context, props: QuotaProps) -> None:
        """Give the project the usual limits back, unless the replacement has set others already."""
        if not ctx.data.get(_RESET):
            await ctx.cloud.network.delete(_path(props))

    async def prepare_for_replace(self, ctx: Context, props: QuotaProps) -> None:
        """Give the usual limits back now: afterwards they may be those of the new resource."""
        await ctx.cloud.network.delete(_path(props))
        await ctx.put_data(**{_RESET: True})

    async def undo_replace(self, ctx: Context, props: QuotaProps) -> None:
        """Set the limits again."""
        await _set(ctx, props)
        await ctx.put_data(**{_RESET: None})


def _path(props: QuotaProps) -> str:
    return f"/quotas/{props.project}"


def _limits(props: QuotaProps) -> Mapping[str, int]:
    return {name: limit for name in _QUOTAS if (limit := props.data.get(name)) is not None}


async def _set(ctx: Context, props: QuotaProps) -> None:
    await ctx.cloud.network.put(_path(props), {"quota": dict(_limits(props))})
