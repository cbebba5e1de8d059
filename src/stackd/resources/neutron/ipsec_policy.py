"""OS::Neutron::IPsecPolicy, how what passes through a VPN tunnel is protected."""

from __future__ import annotations

from typing import ClassVar

from stackd.resources.attributes import attr
from stackd.resources.constraints import one_of
from stackd.resources.neutron.plugged import description_of, name_of, plugged
from stackd.resources.neutron.vpn import POLICY_FIELDS, LifetimeProps, cipher, digest, lifetime, secrecy
from stackd.resources.registry import resource_type
from stackd.resources.rest import RestResource, same
from stackd.resources.schema import Properties, prop


class IPsecPolicyProps(Properties):
    """Properties of an IPsec policy."""

    name: str | None = name_of("policy")
    description: str | None = description_of("policy")
    transform_protocol: str = prop(
        "Protocol that protects packets.", default="esp", constraints=[one_of("esp", "ah", "ah-esp")]
    )
    encapsulation_mode: str = prop(
        "Whether whole packets are protected or only what they transport.",
        default="tunnel",
        constraints=[one_of("tunnel", "transport")],
    )
    auth_algorithm: str = digest()
    encryption_algorithm: str = cipher()
    lifetime: LifetimeProps | None = lifetime()
    pfs: str = secrecy()


@resource_type("OS::Neutron::IPsecPolicy")
class IPsecPolicy(RestResource[IPsecPolicyProps]):
    """How the packets of a tunnel are encrypted and authenticated."""

    extension = "vpnaas"
    entity = plugged("/vpn/ipsecpolicies", "ipsecpolicy", "ipsecpolicies")
    survives = True
    fields: ClassVar = POLICY_FIELDS | same("transform_protocol", "encapsulation_mode")
    attributes: ClassVar = {
        "auth_algorithm": attr("By which algorithm packets are authenticated."),
        "description": attr("What the policy is for."),
        "encapsulation_mode": attr("What of a packet is protected."),
        "encryption_algorithm": attr("By which algorithm packets are encrypted."),
        "lifetime": attr("How long keys are used.", "map"),
        "name": attr("Name of the policy."),
        "pfs": attr("Diffie-Hellman group of perfect forward secrecy."),
        "tenant_id": attr("Project that owns the policy."),
        "transform_protocol": attr("Protocol that protects packets."),
    }
