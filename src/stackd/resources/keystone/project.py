"""OS::Keystone::Project, which owns objects of the cloud."""

from __future__ import annotations

from typing import Any, ClassVar

from stackd.errors import CloudNotFound
from stackd.resources.attributes import attr
from stackd.resources.context import Context
from stackd.resources.keystone.identity import domain_of, identity, names, since
from stackd.resources.registry import resource_type
from stackd.resources.rest import RestResource, same
from stackd.resources.schema import IN_PLACE, Properties, prop


class ProjectProps(Properties):
    """Properties of a project."""

    name: str | None = prop("Name of the project.", update=IN_PLACE)
    domain: str = domain_of("project")
    description: str = prop("What the project is for.", default="", update=IN_PLACE)
    enabled: bool = prop("Whether the project can be used.", default=True, update=IN_PLACE)
    parent: str | None = prop(
        "Name or id of the project above this one.", find="keystone.project", since="6.0.0"
    )
    tags: list[Any] = prop("Tags of the project.", default=[], update=IN_PLACE, since="10.0.0")


@resource_type("OS::Keystone::Project", support=since("2015.1"))
class Project(RestResource[ProjectProps]):
    """A project, whose members share what belongs to it."""

    entity = identity("project", "projects")
    lookups: ClassVar = {"keystone.project": names("Project", "projects")}
    fields: ClassVar = same("name", "description", "enabled", "tags") | {
        "domain": "domain_id",
        "parent": "parent_id",
    }
    attributes: ClassVar = {
        "name": attr("Name of the project.", since="10.0.0"),
        "parent_id": attr("Id of the project above.", since="10.0.0"),
        "domain_id": attr("Id of the project's domain.", since="10.0.0"),
        "enabled": attr("Whether the project can be used.", "boolean", since="10.0.0"),
        "is_domain": attr("Whether the project is a domain itself.", "boolean", since="10.0.0"),
    }

    async def delete(self, ctx: Context, props: ProjectProps) -> None:
        """Delete the project, after its default security group, which the service leaves behind."""
        if await ctx.cloud.has_service("network"):
            await _delete_default_groups(ctx)
        await ctx.cloud.identity.delete(f"/projects/{ctx.physical_id}")


async def _delete_default_groups(ctx: Context) -> None:
    query = {"project_id": ctx.physical_id, "name": "default"}
    for group in await ctx.cloud.network.list_all("/security-groups", "security_groups", query):
        try:
            await ctx.cloud.network.delete(f"/security-groups/{group['id']}")
        except CloudNotFound:
            continue
