"""OS::Barbican::RSAContainer, a pair of RSA keys."""

from __future__ import annotations

from stackd.resources.barbican.containers import ContainerProps, ContainerType, secret_ref
from stackd.resources.registry import resource_type


class RSAContainerProps(ContainerProps):
    """Properties of a pair of keys."""

    private_key_ref: str | None = secret_ref("URL of the secret with the private key.")
    private_key_passphrase_ref: str | None = secret_ref("URL of the secret that opens the private key.")
    public_key_ref: str | None = secret_ref("URL of the secret with the public key.")


@resource_type("OS::Barbican::RSAContainer", since="6.0.0")
class RSAContainer(ContainerType[RSAContainerProps]):
    """A private and a public key, and the pass phrase of the first. The service demands both keys."""

    container_type = "rsa"
