"""OS::Octavia::Quota, how much of load balancing a project may have."""

from __future__ import annotations

from typing import ClassVar

from stackd.resources.entity import Entity
from stackd.resources.octavia.balanced import SERVICE
from stackd.resources.quotas import QuotaSet, limits, project_of_quotas, quota
from stackd.resources.registry import resource_type
from stackd.resources.schema import Properties


class QuotaProps(Properties):
    """Properties of ``OS::Octavia::Quota``."""

    project: str = project_of_quotas()
    healthmonitor: int | None = quota("Health monitors.")
    listener: int | None = quota("Listeners.")
    loadbalancer: int | None = quota("Load balancers.")
    pool: int | None = quota("Pools.")
    member: int | None = quota("Members of all pools.")


@resource_type("OS::Octavia::Quota", since="14.0.0")
class Quota(QuotaSet[QuotaProps]):
    """Limits how much of load balancing a project uses; for administrators."""

    entity = Entity(SERVICE, "/lbaas/quotas", "quota", "", update="PUT", name_field="")
    fields: ClassVar = limits("healthmonitor", "listener", "loadbalancer", "pool", "member")
