"""OS::Octavia::Quota, how much of load balancing a project may have."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from stackd.resources.base import ResourceType
from stackd.resources.constraints import between
from stackd.resources.context import JSON, Context
from stackd.resources.octavia.balanced import SERVICE
from stackd.resources.registry import resource_type
from stackd.resources.rules import at_least_one
from stackd.resources.schema import IN_PLACE, Properties, prop

_LIMITS: Final = ("healthmonitor", "listener", "loadbalancer", "pool", "member")


def _limit(what: str) -> Any:
    """Declare a limit of the quota."""
    return prop(f"The most {what}; -1 for no limit.", update=IN_PLACE, constraints=[between(-1)])


class QuotaProps(Properties):
    """Properties of a quota."""

    project: str = prop("Name or id of the project.", required=True, find="keystone.project")
    healthmonitor: int | None = _limit("health monitors")
    listener: int | None = _limit("listeners")
    loadbalancer: int | None = _limit("load balancers")
    pool: int | None = _limit("pools")
    member: int | None = _limit("members")


@resource_type("OS::Octavia::Quota", since="14.0.0")
class Quota(ResourceType[QuotaProps]):
    """Limits of a project, which has them anyway: it gets the usual ones back on deletion."""

    service = SERVICE

    def validate(self, props: QuotaProps) -> None:
        """At least one limit."""
        at_least_one(props, *_LIMITS)

    async def create(self, ctx: Context, props: QuotaProps) -> None:
        """Set the limits. Safe to run again."""
        await _put(ctx, props.project, props.body(*_LIMITS))
        await ctx.created(ctx.physical_name)

    async def find(self, ctx: Context, props: QuotaProps) -> Sequence[JSON]:
        """Nothing to look for: setting limits again does no harm."""
        return []

    async def update(self, ctx: Context, old: QuotaProps, new: QuotaProps) -> None:
        """Set the limits that differ; one that is taken away becomes the usual one."""
        await _put(ctx, new.project, new.changed_from(old, *_LIMITS))

    async def delete(self, ctx: Context, props: QuotaProps) -> None:
        """Give the project the usual limits."""
        await ctx.cloud.service(SERVICE).delete(f"/lbaas/quotas/{props.project}")


async def _put(ctx: Context, project: str, limits: JSON) -> None:
    if limits:
        await ctx.cloud.service(SERVICE).put(f"/lbaas/quotas/{project}", {"quota": limits})
