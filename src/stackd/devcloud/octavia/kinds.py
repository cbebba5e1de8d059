"""The kinds of objects of Octavia. Those whose names other services have, too, are called otherwise."""

from __future__ import annotations

from typing import Final

BALANCERS_KIND: Final = "load-balancer.loadbalancers"
LISTENERS_KIND: Final = "load-balancer.listeners"
POOLS_KIND: Final = "load-balancer.pools"
MEMBERS_KIND: Final = "load-balancer.pool_members"
MONITORS_KIND: Final = "load-balancer.healthmonitors"
POLICIES_KIND: Final = "load-balancer.l7policies"
RULES_KIND: Final = "load-balancer.l7rules"
PARTS: Final = (LISTENERS_KIND, POOLS_KIND, MEMBERS_KIND, MONITORS_KIND, POLICIES_KIND, RULES_KIND)

FLAVORS_KIND: Final = "load-balancer.balancer_flavors"
FLAVOR_PROFILES_KIND: Final = "load-balancer.flavorprofiles"
ZONES_KIND: Final = "load-balancer.balancer_zones"
ZONE_PROFILES_KIND: Final = "load-balancer.zoneprofiles"
