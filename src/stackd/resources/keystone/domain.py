"""OS::Keystone::Domain, which has users, groups and projects of its own."""

from __future__ import annotations

from collections.abc import Sequence

from stackd.resources.base import Entity, ResourceType
from stackd.resources.context import JSON, Context
from stackd.resources.keystone import objects
from stackd.resources.registry import resource_type
from stackd.resources.schema import IN_PLACE, Properties, prop

_DOMAIN = Entity("identity", "/domains", "domain", "domains")
_CHANGEABLE = {"name": "name", "description": "description", "enabled": "enabled"}


class DomainProps(Properties):
    """Properties of a domain."""

    name: str | None = prop("Name of the domain.", update=IN_PLACE)
    description: str | None = prop("What the domain is for.", update=IN_PLACE)
    enabled: bool = prop(
        "Whether users of the domain can authenticate; only a disabled domain can be deleted.",
        default=True,
        update=IN_PLACE,
    )


@resource_type("OS::Keystone::Domain", support=objects.since("8.0.0"))
class Domain(ResourceType[DomainProps]):
    """A domain. The service refuses to delete one that is enabled, with all that it has."""

    properties = DomainProps
    service = "identity"
    entity = _DOMAIN

    async def create(self, ctx: Context, props: DomainProps) -> None:
        """Make the domain."""
        await objects.create(ctx, _DOMAIN, objects.creation(ctx, props, _CHANGEABLE))

    async def find(self, ctx: Context, props: DomainProps) -> Sequence[JSON]:
        """The domain with our mark."""
        return await objects.find(ctx, _DOMAIN, props)

    async def update(self, ctx: Context, old: DomainProps, new: DomainProps) -> None:
        """Send what differs."""
        await objects.update(ctx, _DOMAIN, old, new, _CHANGEABLE)
