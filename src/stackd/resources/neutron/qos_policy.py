"""OS::Neutron::QoSPolicy, a set of rules about how well traffic is carried."""

from __future__ import annotations

from typing import ClassVar

from stackd.clients.lookup import Collection
from stackd.resources.attributes import LIVE, attr
from stackd.resources.neutron.network import network, owner, unable_to_find
from stackd.resources.registry import resource_type
from stackd.resources.rest import Field, RestResource, same
from stackd.resources.schema import IN_PLACE, Properties, prop

_PATH = "/qos/policies"


class QoSPolicyProps(Properties):
    """Properties of a QoS policy."""

    name: str | None = prop("Name of the policy.", update=IN_PLACE)
    description: str | None = prop("What the policy is for.", update=IN_PLACE)
    shared: bool = prop("Whether all projects may use the policy.", default=False, update=IN_PLACE)
    tenant_id: str | None = owner("policy")


@resource_type("OS::Neutron::QoSPolicy", since="6.0.0")
class QoSPolicy(RestResource[QoSPolicyProps]):
    """Rules for the traffic of the networks and ports that name the policy; each rule is a resource."""

    extension = "qos"
    entity = network("policy", plural="policies", path=_PATH)
    lookups: ClassVar = {
        "neutron.qos_policy": Collection(
            "QoS policy", "network", _PATH, "policies", whole=True, absence=unable_to_find("policy")
        )
    }
    survives = True
    fields: ClassVar = same("name", "shared", "tenant_id") | {"description": Field("description", cleared="")}
    attributes: ClassVar = {"rules": attr("The policy's rules.", "list", how=LIVE)}
