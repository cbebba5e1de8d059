"""OS::Octavia::HealthMonitor, which finds out whether the members of a pool work."""

from __future__ import annotations

from typing import ClassVar

from stackd.resources.attributes import attr
from stackd.resources.constraints import between, one_of
from stackd.resources.context import JSON, Context
from stackd.resources.octavia.balanced import Balanced, octavia
from stackd.resources.registry import resource_type
from stackd.resources.rest import Field, same
from stackd.resources.schema import IN_PLACE, Properties, prop

_METHODS = one_of("GET", "HEAD", "POST", "PUT", "DELETE", "TRACE", "OPTIONS", "CONNECT", "PATCH")


class HealthMonitorProps(Properties):
    """Properties of a health monitor."""

    admin_state_up: bool = prop("Whether the monitor works.", default=True, update=IN_PLACE)
    delay: int = prop(
        "Seconds between two probes of a member.", required=True, update=IN_PLACE, constraints=[between(0)]
    )
    expected_codes: str | None = prop(
        "Statuses of HTTP that mean success: one, a list as 200,202, or a range as 200-204.", update=IN_PLACE
    )
    http_method: str | None = prop("Method of the requests.", update=IN_PLACE, constraints=[_METHODS])
    max_retries: int = prop(
        "Successful probes after which a member counts as working.",
        required=True,
        update=IN_PLACE,
        constraints=[between(1, 10)],
    )
    pool: str = prop("Name or id of the pool.", required=True, find="octavia.pool")
    timeout: int = prop(
        "Seconds after which a probe has failed.", required=True, update=IN_PLACE, constraints=[between(0)]
    )
    type: str = prop(
        "What members are asked.",
        required=True,
        constraints=[one_of("PING", "TCP", "HTTP", "HTTPS", "UDP-CONNECT")],
    )
    url_path: str | None = prop("Path of the requests.", update=IN_PLACE)
    tenant_id: str | None = prop("Project that owns the monitor.")


@resource_type("OS::Octavia::HealthMonitor", since="10.0.0")
class HealthMonitor(Balanced[HealthMonitorProps]):
    """Probes the members of a pool. It is found again by a name, which it has for nothing else."""

    entity = octavia("healthmonitor", "healthmonitors")
    fields: ClassVar = same("admin_state_up", "delay", "max_retries", "timeout", "type") | {
        "expected_codes": Field("expected_codes", cleared=None),
        "http_method": Field("http_method", cleared=None),
        "pool": "pool_id",
        "url_path": Field("url_path", cleared=None),
        "tenant_id": "project_id",
    }
    attributes: ClassVar = {"pools": attr("The pool of the monitor, in a list.", "list")}

    async def occupant(self, ctx: Context, props: HealthMonitorProps) -> str | None:
        """The monitor of the pool, which can have one."""
        pool: JSON = (await self.service_of(ctx).get(f"/lbaas/pools/{props.pool}"))["pool"]
        return pool.get("healthmonitor_id")
