"""OS::Neutron::Firewall, a policy in force on the routers of a project."""

from __future__ import annotations

from typing import Any, ClassVar, Final

from stackd.errors import ResourceInError
from stackd.resources.attributes import LIVE, attr
from stackd.resources.context import JSON
from stackd.resources.neutron.firewalls import FirewallPart
from stackd.resources.neutron.plugged import (
    DESCRIPTION,
    SETTLED,
    description_of,
    name_of,
    plugged,
    switch_of,
)
from stackd.resources.registry import resource_type
from stackd.resources.rest import Field, same
from stackd.resources.schema import IN_PLACE, Properties, Support, prop

_NOT_SHARED: Final = Support(
    "UNSUPPORTED",
    "6.0.0",
    message="The service cannot share firewalls.",
    previous=Support(version="2015.1"),
)


class FirewallProps(Properties):
    """Properties of a firewall."""

    name: str | None = name_of("firewall")
    description: str | None = description_of("firewall")
    admin_state_up: bool = switch_of("firewall")
    firewall_policy_id: str = prop("Id of the policy that is in force.", required=True, update=IN_PLACE)
    value_specs: dict[str, Any] = prop(
        "Further fields of the request, for extensions of the API.",
        default={},
        update=IN_PLACE,
        since="5.0.0",
    )
    shared: bool | None = prop(
        "Whether every project sees the firewall.", update=IN_PLACE, support=_NOT_SHARED
    )


@resource_type("OS::Neutron::Firewall")
class Firewall(FirewallPart[FirewallProps]):
    """Filters what the routers of a project forward, by the rules of a policy.

    A firewall without a router is INACTIVE, which is no fault.
    """

    entity = plugged("/fw/firewalls", "firewall", "firewalls")
    readiness = SETTLED
    awaits_deletion = True
    fields: ClassVar = same("name", "admin_state_up", "firewall_policy_id") | {
        "description": DESCRIPTION,
        "shared": Field("shared", cleared=False),
    }
    shown_by: ClassVar = {"admin_state_up": ("admin_state_up", "status")}
    attributes: ClassVar = {
        "name": attr("Name of the firewall."),
        "description": attr("What the firewall is for."),
        "admin_state_up": attr("Whether the firewall works."),
        "firewall_policy_id": attr("Id of the policy that is in force."),
        "shared": attr(
            "A remark that there is no such value.",
            compute=lambda resource: "Firewalls have no value that says whether they are shared.",
            support=Support("UNSUPPORTED", "6.0.0", message="The service does not show it."),
        ),
        "status": attr("State of the firewall.", how=LIVE),
        "tenant_id": attr("Project that owns the firewall."),
    }

    def gone(self, live: JSON) -> bool:
        """A deletion that has failed ends in ERROR."""
        if live.get("status") == "ERROR":
            raise ResourceInError("Went to status ERROR while it was deleted")
        return False
