"""OS::Octavia::Flavor, a kind of load balancer."""

from __future__ import annotations

from typing import ClassVar

from stackd.resources.attributes import attr
from stackd.resources.octavia.profiles import OfferProps, names, operated
from stackd.resources.registry import resource_type
from stackd.resources.rest import RestResource, same
from stackd.resources.schema import prop

_ENTITY = operated("flavor", "flavors")


class FlavorProps(OfferProps):
    """Properties of a flavor."""

    flavor_profile: str = prop(
        "Name or id of the profile of the flavor.", required=True, find="octavia.flavorprofile"
    )


@resource_type("OS::Octavia::Flavor", since="14.0.0")
class Flavor(RestResource[FlavorProps]):
    """A kind of load balancer that users choose by its name; for administrators."""

    entity = _ENTITY
    lookups: ClassVar = {"octavia.flavor": names("Flavor", _ENTITY)}
    fields: ClassVar = same("name", "description", "enabled") | {"flavor_profile": "flavor_profile_id"}
    attributes: ClassVar = {"flavor_profile_id": attr("Id of the profile of the flavor.")}
