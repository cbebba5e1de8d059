"""OS::Neutron::Quota, how much of the network service a project may use."""

from __future__ import annotations

from typing import ClassVar

from stackd.resources.entity import Entity
from stackd.resources.quotas import QuotaSet, limits, project_of_quotas, quota
from stackd.resources.registry import resource_type
from stackd.resources.schema import Properties


class QuotaProps(Properties):
    """Properties of ``OS::Neutron::Quota``."""

    project: str = project_of_quotas()
    subnet: int | None = quota("Subnets.")
    network: int | None = quota("Networks.")
    floatingip: int | None = quota("Floating IPs.")
    security_group_rule: int | None = quota("Rules of security groups.")
    security_group: int | None = quota("Security groups.")
    router: int | None = quota("Routers.")
    port: int | None = quota("Ports.")
    subnetpool: int | None = quota("Subnet pools.", since="12.0.0")
    rbac_policy: int | None = quota("RBAC policies.", since="12.0.0")


@resource_type("OS::Neutron::Quota", since="8.0.0")
class Quota(QuotaSet[QuotaProps]):
    """Limits how much of the network service a project uses; for administrators."""

    extension = "quotas"
    entity = Entity("network", "/quotas", "quota", "", update="PUT", name_field="")
    fields: ClassVar = limits(*(name for name in QuotaProps.schema if name != "project"))
