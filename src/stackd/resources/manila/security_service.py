"""OS::Manila::SecurityService, a directory of users that shares are accessed by."""

from __future__ import annotations

from typing import ClassVar

from stackd.resources.constraints import one_of
from stackd.resources.manila.shared import manila
from stackd.resources.registry import resource_type
from stackd.resources.rest import RestResource, same
from stackd.resources.schema import IN_PLACE, Properties, prop


class SecurityServiceProps(Properties):
    """Properties of a security service."""

    name: str | None = prop("Name of the security service.", update=IN_PLACE)
    type: str = prop(
        "Kind of the directory.",
        required=True,
        constraints=[one_of("ldap", "kerberos", "active_directory")],
    )
    dns_ip: str | None = prop(
        "Address of the name server that is used in the network of the tenant.", update=IN_PLACE
    )
    server: str | None = prop("Host name or address of the directory.", update=IN_PLACE)
    domain: str | None = prop("Domain of the directory.", update=IN_PLACE)
    user: str | None = prop("User or group by which the service reads the directory.", update=IN_PLACE)
    password: str | None = prop("Password of that user.", update=IN_PLACE)
    description: str | None = prop("What the security service is for.", update=IN_PLACE)


@resource_type("OS::Manila::SecurityService", since="5.0.0")
class SecurityService(RestResource[SecurityServiceProps]):
    """Where share servers look users up. It can be deleted only when no share network has it."""

    entity = manila("/security-services", "security_service", "security_services")
    fields: ClassVar = same(
        *("name", "type", "dns_ip", "server", "domain", "user", "password", "description")
    )
