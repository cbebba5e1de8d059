"""OS::Neutron::AddressScope, within which addresses are unique."""

from __future__ import annotations

from typing import ClassVar

from stackd.resources.constraints import one_of
from stackd.resources.neutron.network import names, network, owner
from stackd.resources.registry import resource_type
from stackd.resources.rest import same
from stackd.resources.schema import IN_PLACE, Properties, prop
from stackd.resources.undated import UndatedResource


class AddressScopeProps(Properties):
    """Properties of an address scope."""

    name: str | None = prop("Name of the scope.", update=IN_PLACE)
    shared: bool = prop(
        "Whether all projects may use the scope; it cannot be taken back.", default=False, update=IN_PLACE
    )
    tenant_id: str | None = owner("scope", find="keystone.project")
    ip_version: int = prop("Version of the Internet Protocol.", default=4, constraints=[one_of(4, 6)])


@resource_type("OS::Neutron::AddressScope", since="6.0.0")
class AddressScope(UndatedResource[AddressScopeProps]):
    """Networks whose subnets are of pools of one scope can be routed without translating addresses."""

    extension = "address-scope"
    entity = network("address_scope")
    lookups: ClassVar = {"neutron.address_scope": names("Address scope", "/address-scopes")}
    survives = True
    fields: ClassVar = same("name", "shared", "tenant_id", "ip_version")
