"""Quotas of a project, which has them always: they are made by setting, and deleted by resetting them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from stackd.resources.base import P
from stackd.resources.constraints import between
from stackd.resources.context import JSON, Context
from stackd.resources.entity import Entity
from stackd.resources.rest import KEEP, Field, Fields, RestResource
from stackd.resources.rules import at_least_one
from stackd.resources.schema import IN_PLACE, prop


def quota_set(service: str) -> Entity:
    """The quotas of a service that has one set of them for each project; they cannot be listed."""
    return Entity(service, "/os-quota-sets", "quota_set", "", update="PUT", name_field="")


def project_of_quotas() -> Any:
    """Declare the property ``project``."""
    return prop("Name or id of the project that the quotas are for.", required=True, find="keystone.project")


def quota(description: str, **options: Any) -> Any:
    """Declare a limit; -1 is none."""
    return prop(description, update=IN_PLACE, constraints=[between(-1)], **options)


def limits(*names: str) -> Fields:
    """The table of a service's limits. One that is left out of the template stays as it was."""
    return {name: Field(name, cleared=KEEP) for name in names}


class QuotaSet(RestResource[P]):
    """A type whose object are the quotas of one project, known by the project's id.

    So a resource that takes the place of another for the same project has the same object, which then stays.
    """

    survives = True
    microversion: ClassVar[str | None] = None
    """The version of the API that knows all of the limits, where later ones do not."""

    def validate(self, props: P) -> None:
        """There is something to set."""
        at_least_one(props, *self.fields)

    async def check_usage(self, ctx: Context, project: str, body: JSON) -> None:
        """Raise ``ResourceFailure`` for limits below what is in use, where the service does not."""

    async def create(self, ctx: Context, props: P) -> None:
        """Set the quotas: what is done twice changes nothing."""
        project = props.data["project"]
        await self._set(ctx, project, self.body(ctx, props))
        await ctx.created(project)

    async def find(self, ctx: Context, props: P) -> Sequence[JSON]:
        """The quotas of the project, if they are as they should be."""
        project, wanted = props.data["project"], self.body(ctx, props)
        path = f"{self.entity.path}/{project}"
        live = (await self.service_of(ctx).get(path, microversion=self.microversion))[self.entity.key]
        return [{self.entity.id_field: project}] if live.items() >= wanted.items() else []

    async def write(self, ctx: Context, body: JSON) -> None:
        """Set what differs."""
        if body:
            await self._set(ctx, ctx.physical_id, body)

    async def _set(self, ctx: Context, project: str, body: JSON) -> None:
        await self.check_usage(ctx, project, body)
        path = f"{self.entity.path}/{project}"
        await self.service_of(ctx).put(path, self.entity.wrap(body), microversion=self.microversion)
