"""OS::Nova::FloatingIP, an outside address as old templates ask for it."""

from __future__ import annotations

from typing import ClassVar, Final

from stackd.resources.attributes import attr
from stackd.resources.context import JSON, Context
from stackd.resources.neutron.external import external_network
from stackd.resources.neutron.network import network
from stackd.resources.registry import resource_type
from stackd.resources.rest import RestResource
from stackd.resources.schema import Properties, Support, prop


def retired(message: str) -> Support:
    """A type that still works but is no longer listed."""
    used = Support("DEPRECATED", "9.0.0", message, previous=Support(version="2014.1"))
    return Support("HIDDEN", "11.0.0", message, previous=used)


_RETIRED: Final = retired("Use OS::Neutron::FloatingIP.")


class FloatingIPProps(Properties):
    """Properties of ``OS::Nova::FloatingIP``."""

    pool: str | None = prop("Name or id of the external network; the only one when it is left out.")


@resource_type("OS::Nova::FloatingIP", support=_RETIRED)
class FloatingIP(RestResource[FloatingIPProps]):
    """An address of an external network. As it has no name in the API, ours is its description."""

    service = ""
    entity = network("floatingip", name_field="description", found_by=("description",))
    survives = True
    attributes: ClassVar = {
        "pool": attr("Id of the external network.", source="floating_network_id"),
        "ip": attr("The address.", source="floating_ip_address"),
    }

    async def creation(self, ctx: Context, props: FloatingIPProps) -> JSON:
        """The pool is an external network."""
        find = ctx.find.id_of("neutron.network", props.pool) if props.pool else external_network(ctx)
        return self.body(ctx, props) | {"floating_network_id": await find}
