"""OS::Keystone::Domain, which has users, groups and projects of its own."""

from __future__ import annotations

from typing import ClassVar

from stackd.clients.lookup import Collection
from stackd.resources.keystone.identity import identity, since
from stackd.resources.registry import resource_type
from stackd.resources.rest import RestResource, same
from stackd.resources.schema import IN_PLACE, Properties, prop


class DomainProps(Properties):
    """Properties of a domain."""

    name: str | None = prop("Name of the domain.", update=IN_PLACE)
    description: str | None = prop("What the domain is for.", update=IN_PLACE)
    enabled: bool = prop(
        "Whether users of the domain can authenticate; only a disabled domain can be deleted.",
        default=True,
        update=IN_PLACE,
    )


@resource_type("OS::Keystone::Domain", support=since("8.0.0"))
class Domain(RestResource[DomainProps]):
    """A domain. The service refuses to delete one that is enabled, with all that it has."""

    entity = identity("domain", "domains")
    lookups: ClassVar = {"keystone.domain": Collection("KeystoneDomain", "identity", "/domains", "domains")}
    fields: ClassVar = same("name", "description", "enabled")
