"""OS::Cinder::Quota, how much storage a project may use."""

from __future__ import annotations

from typing import ClassVar

from stackd.errors import ResourceFailure
from stackd.resources.context import JSON, Context
from stackd.resources.quotas import QuotaSet, limits, project_of_quotas, quota, quota_set
from stackd.resources.registry import resource_type
from stackd.resources.schema import Properties


class QuotaProps(Properties):
    """Properties of ``OS::Cinder::Quota``."""

    project: str = project_of_quotas()
    gigabytes: int | None = quota("Size of all volumes and snapshots in GB.")
    volumes: int | None = quota("Volumes.")
    snapshots: int | None = quota("Snapshots.")
    backups: int | None = quota("Backups.", since="16.0.0")
    backup_gigabytes: int | None = quota("Size of all backups in GB.", since="16.0.0")


@resource_type("OS::Cinder::Quota", since="7.0.0")
class Quota(QuotaSet[QuotaProps]):
    """Limits how much storage a project uses; for administrators.

    The service takes limits below what is in use, after which nothing can be made; here they are refused.
    """

    entity = quota_set("volume")
    extension = "os-quota-sets"
    fields: ClassVar = limits(*(name for name in QuotaProps.schema if name != "project"))

    async def check_usage(self, ctx: Context, project: str, body: JSON) -> None:
        """A limit is no less than what is in use."""
        path = f"{self.entity.path}/{project}"
        used = (await self.service_of(ctx).get(path, {"usage": True}))[self.entity.key]
        short = [
            f"{name} is {limit}, but {used[name]['in_use']} are in use"
            for name, limit in body.items()
            if limit != -1 and limit < used.get(name, {}).get("in_use", 0)
        ]
        if short:
            raise ResourceFailure(f"Quotas cannot be less than what is in use: {'; '.join(short)}.")
