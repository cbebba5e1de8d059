"""OS::Neutron::IKEPolicy, how the ends of a VPN tunnel agree on keys."""

from __future__ import annotations

from typing import ClassVar

from stackd.resources.attributes import attr
from stackd.resources.constraints import one_of
from stackd.resources.neutron.plugged import description_of, name_of, plugged
from stackd.resources.neutron.vpn import POLICY_FIELDS, LifetimeProps, cipher, digest, lifetime, secrecy
from stackd.resources.registry import resource_type
from stackd.resources.rest import RestResource, same
from stackd.resources.schema import IN_PLACE, Properties, prop


class IKEPolicyProps(Properties):
    """Properties of an IKE policy."""

    name: str | None = name_of("policy")
    description: str | None = description_of("policy")
    auth_algorithm: str = digest(IN_PLACE)
    encryption_algorithm: str = cipher(IN_PLACE)
    phase1_negotiation_mode: str = prop(
        "Mode of the first phase.", default="main", constraints=[one_of("main")]
    )
    lifetime: LifetimeProps | None = lifetime(IN_PLACE)
    pfs: str = secrecy(IN_PLACE)
    ike_version: str = prop(
        "Version of the protocol.", default="v1", update=IN_PLACE, constraints=[one_of("v1", "v2")]
    )


@resource_type("OS::Neutron::IKEPolicy")
class IKEPolicy(RestResource[IKEPolicyProps]):
    """How two VPN gateways recognise each other and negotiate keys."""

    extension = "vpnaas"
    entity = plugged("/vpn/ikepolicies", "ikepolicy", "ikepolicies")
    survives = True
    fields: ClassVar = POLICY_FIELDS | same("phase1_negotiation_mode", "ike_version")
    attributes: ClassVar = {
        "auth_algorithm": attr("By which algorithm packets are authenticated."),
        "description": attr("What the policy is for."),
        "encryption_algorithm": attr("By which algorithm packets are encrypted."),
        "ike_version": attr("Version of the protocol."),
        "lifetime": attr("How long keys are used.", "map"),
        "name": attr("Name of the policy."),
        "pfs": attr("Diffie-Hellman group of perfect forward secrecy."),
        "phase1_negotiation_mode": attr("Mode of the first phase."),
        "tenant_id": attr("Project that owns the policy."),
    }
