"""Roles that users and groups have on projects and domains: schema, rules, and changes.

A grant is its path in the API: to give it is to PUT the path, to take it to DELETE it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from stackd.errors import CloudNotFound, PropertyError
from stackd.resources.context import Context
from stackd.resources.schema import Properties, prop
from stackd.template.unknown import Unknown


class GrantProps(Properties):
    """A role on a project or a domain."""

    role: str = prop("Name or id of the role.", required=True, find="keystone.role")
    project: str | None = prop("Name or id of the project.", find="keystone.project")
    domain: str | None = prop("Name or id of the domain.", find="keystone.domain")


def check_grants(grants: Any) -> None:
    """Refuse a role that is neither on a project nor on a domain, or on both."""
    for index, grant in enumerate(grants if isinstance(grants, list) else ()):
        if isinstance(grant, Unknown):
            continue
        if grant.project and grant.domain:
            message = "Cannot define the following properties at the same time: project, domain."
        elif not (grant.project or grant.domain):
            message = f"Either project or domain must be specified for role {grant.role}."
        else:
            continue
        raise PropertyError(message, path=f"properties.roles[{index}]", remedy="Give one of the two.")


def grant_paths(holders: str, holder: str, grants: Iterable[GrantProps] | None) -> list[str]:
    """The paths of the grants of a holder, one of ``users`` or ``groups``; each once."""
    paths = (
        f"/projects/{grant.project}/{holders}/{holder}/roles/{grant.role}"
        if grant.project
        else f"/domains/{grant.domain}/{holders}/{holder}/roles/{grant.role}"
        for grant in grants or ()
    )
    return list(dict.fromkeys(paths))


async def exchange(ctx: Context, old: Iterable[str], new: Iterable[str]) -> None:
    """Take what only ``old`` has and give what only ``new`` has: grants, or memberships of groups."""
    before, after = list(old), list(new)
    for path in before:
        if path not in after:
            await _take(ctx, path)
    for path in after:
        if path not in before:
            await ctx.cloud.identity.put(path)


async def _take(ctx: Context, path: str) -> None:
    try:
        await ctx.cloud.identity.delete(path)
    except CloudNotFound:
        return  # the grant, its user or its project no longer exists
