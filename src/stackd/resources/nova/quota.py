"""OS::Nova::Quota, how much of the compute service a project may use."""

from __future__ import annotations

from typing import ClassVar

from stackd.resources.quotas import QuotaSet, limits, project_of_quotas, quota, quota_set
from stackd.resources.registry import resource_type
from stackd.resources.schema import Properties, Support

_RETIRED = Support("DEPRECATED", "14.0.0", "The compute service no longer writes files into servers.")


class QuotaProps(Properties):
    """Properties of ``OS::Nova::Quota``."""

    project: str = project_of_quotas()
    cores: int | None = quota("Virtual CPUs.")
    fixed_ips: int | None = quota("Addresses that servers have inside.")
    floating_ips: int | None = quota("Addresses that servers are reached by.")
    injected_file_content_bytes: int | None = quota(
        "Bytes in each file that is written into a server.", support=_RETIRED
    )
    injected_file_path_bytes: int | None = quota(
        "Bytes in the path of each file that is written into a server.", support=_RETIRED
    )
    injected_files: int | None = quota("Files that are written into a server.", support=_RETIRED)
    instances: int | None = quota("Servers.")
    key_pairs: int | None = quota("Key pairs of each user.")
    metadata_items: int | None = quota("Pairs in the metadata of a server.")
    ram: int | None = quota("Memory of all servers in MB.")
    security_groups: int | None = quota("Security groups.")
    security_group_rules: int | None = quota("Rules of each security group.")
    server_groups: int | None = quota("Server groups.")
    server_group_members: int | None = quota("Servers in each server group.")


@resource_type("OS::Nova::Quota", since="8.0.0")
class Quota(QuotaSet[QuotaProps]):
    """Limits how much of the compute service a project uses; for administrators.

    The limits of networks and files are unknown to later versions of the API than the one that is asked for.
    """

    entity = quota_set("compute")
    fields: ClassVar = limits(*(name for name in QuotaProps.schema if name != "project"))
    microversion = "2.35"
