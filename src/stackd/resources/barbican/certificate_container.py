"""OS::Barbican::CertificateContainer, a certificate with what belongs to it."""

from __future__ import annotations

from stackd.resources.barbican.containers import ContainerProps, ContainerType, secret_ref
from stackd.resources.registry import resource_type


class CertificateContainerProps(ContainerProps):
    """Properties of a certificate."""

    certificate_ref: str | None = secret_ref("URL of the secret with the certificate.")
    private_key_ref: str | None = secret_ref("URL of the secret with the private key.")
    private_key_passphrase_ref: str | None = secret_ref("URL of the secret that opens the private key.")
    intermediates_ref: str | None = secret_ref("URL of the secret with the certificates in between.")


@resource_type("OS::Barbican::CertificateContainer", since="6.0.0")
class CertificateContainer(ContainerType[CertificateContainerProps]):
    """A certificate, such as load balancers take. The service demands the certificate itself."""

    container_type = "certificate"
