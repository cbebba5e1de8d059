"""Settings of a dev cloud: address, latency, quotas and faults."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

USUAL_QUOTAS: Mapping[str, int] = {
    "servers": 10, "cores": 20, "ram": 51200, "keypairs": 100, "server_groups": 10,
    "server_group_members": 10, "metadata_items": 128,
    "networks": 100, "subnets": 100, "ports": 500, "routers": 10, "floatingips": 50,
    "security_groups": 10, "security_group_rules": 100, "rbac_policies": 10,
    "volumes": 10, "snapshots": 10, "gigabytes": 1000, "backups": 10, "backup_gigabytes": 1000, "groups": 10,
    "zones": 10, "zone_recordsets": 500,
    "magnum_clusters": 20, "zun_containers": 40, "zun_cpu": 20, "zun_memory": 51200,
    "shares": 50, "share_gigabytes": 1000, "share_networks": 10, "share_snapshots": 50,
    "database_instances": 10, "database_gigabytes": 40,
}  # fmt: skip
"""What a project may have in a cloud whose operator has changed nothing."""


@dataclass(frozen=True, slots=True)
class DevCloudSettings:
    """Everything that can be chosen about a dev cloud before it starts."""

    host: str = "127.0.0.1"
    port: int = 0
    """0 takes any free port."""

    latency: float = 0.0
    """Seconds that pass before each call is worked on."""

    service_latency: Mapping[str, float] = field(default_factory=dict)
    """Seconds by service (`compute`, `network`, …) instead of `latency`."""

    ready_after: float = 0.2
    """Seconds that objects stay in a working status such as BUILD, creating or deleting."""

    quotas: Mapping[str, int] = field(default_factory=dict)
    """Objects allowed per project by plural (`servers`, `ports`, …) and for `cores`, `ram`, `gigabytes`.

    What is absent has no limit; `USUAL_QUOTAS` are those of a real cloud.
    """

    seed: int | None = None
    """Makes ids, addresses and probabilities repeatable."""

    faults: Sequence[Mapping[str, Any]] = ()
    """Fault rules in force from the start, as `PUT /_dev/faults` takes them."""

    token_seconds: float = 86400.0
    """How long a token is good for."""

    trusts_file: str = ""
    """Where trusts are kept over a restart; nowhere when empty."""

    region: str = "RegionOne"
    services: Sequence[str] = ()
    """The services in the catalog, by name (`nova`, `neutron`, …), besides Keystone; all if none is named."""
