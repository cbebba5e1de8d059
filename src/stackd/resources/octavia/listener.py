"""OS::Octavia::Listener, a port on which a load balancer takes connections."""

from __future__ import annotations

from typing import Any, ClassVar

from stackd.errors import PropertyError
from stackd.resources.attributes import LIVE, attr
from stackd.resources.constraints import between, custom, one_of
from stackd.resources.octavia.balanced import Balanced, names, octavia
from stackd.resources.registry import resource_type
from stackd.resources.rest import Field, same
from stackd.resources.rules import is_set
from stackd.resources.schema import IN_PLACE, Properties, prop

PROTOCOLS = one_of("TCP", "HTTP", "HTTPS", "TERMINATED_HTTPS", "PROXY", "UDP")


class ListenerProps(Properties):
    """Properties of a listener."""

    protocol_port: int = prop(
        "Port on which connections are taken.", required=True, constraints=[between(1, 65535)]
    )
    protocol: str = prop("Protocol of the connections.", required=True, constraints=[PROTOCOLS])
    loadbalancer: str = prop(
        "Name or id of the load balancer to which the listener belongs.",
        required=True,
        find="octavia.loadbalancer",
    )
    default_pool: str | None = prop(
        "Name or id of the pool that gets what no policy sends elsewhere.",
        update=IN_PLACE,
        find="octavia.pool",
    )
    name: str | None = prop("Name of the listener.", update=IN_PLACE)
    admin_state_up: bool = prop("Whether the listener works.", default=True, update=IN_PLACE)
    description: str = prop("What the listener is for.", default="", update=IN_PLACE)
    default_tls_container_ref: str | None = prop(
        "URL of the container or secret with the certificate of a TLS terminating listener.", update=IN_PLACE
    )
    sni_container_refs: list[Any] | None = prop(
        "URLs of containers or secrets with certificates for other names.", update=IN_PLACE
    )
    connection_limit: int = prop(
        "The most connections at a time; -1 for no limit.",
        default=-1,
        update=IN_PLACE,
        constraints=[between(-1)],
    )
    tenant_id: str | None = prop("Project that owns the listener.")
    allowed_cidrs: list[str] | None = prop(
        "Networks from which connections are taken; from everywhere when there are none.",
        update=IN_PLACE,
        since="14.0.0",
        element_constraints=[custom("net_cidr")],
    )


@resource_type("OS::Octavia::Listener", since="10.0.0")
class Listener(Balanced[ListenerProps]):
    """A port of a load balancer, with a protocol."""

    entity = octavia("listener", "listeners")
    lookups: ClassVar = {"octavia.listener": names("Listener", "listeners")}
    fields: ClassVar = same("protocol_port", "protocol", "name", "admin_state_up") | {
        "loadbalancer": "loadbalancer_id",
        "default_pool": Field("default_pool_id", cleared=None),
        "description": Field("description", cleared=""),
        "default_tls_container_ref": Field("default_tls_container_ref", cleared=None),
        "sni_container_refs": Field("sni_container_refs", cleared=None),
        "connection_limit": Field("connection_limit", cleared=-1),
        "tenant_id": "project_id",
        "allowed_cidrs": Field("allowed_cidrs", cleared=None),
    }
    attributes: ClassVar = {
        "loadbalancers": attr("The load balancer of the listener, in a list.", "list"),
        "default_pool_id": attr("Id of the pool that gets what no policy sends elsewhere.", how=LIVE),
    }

    def validate(self, props: ListenerProps) -> None:
        """Terminating TLS takes a certificate."""
        super().validate(props)
        if props.protocol == "TERMINATED_HTTPS" and not is_set(props.default_tls_container_ref):
            raise PropertyError(
                "The property default_tls_container_ref is required when protocol is TERMINATED_HTTPS.",
                path="properties",
                remedy="Give the URL of a container or secret with the certificate.",
            )
