"""OS::Barbican::Secret, a payload that the key manager keeps."""

from __future__ import annotations

from typing import ClassVar

from stackd.clients.lookup import Collection
from stackd.errors import PropertyError
from stackd.resources.attributes import LIVE, attr
from stackd.resources.barbican.kept import BINARY, SECRETS, TEXT, Kept, moment, payload_of
from stackd.resources.constraints import between, custom, one_of
from stackd.resources.context import JSON, Context, Reading
from stackd.resources.registry import resource_type
from stackd.resources.rest import Field, same
from stackd.resources.schema import Properties, prop
from stackd.template.unknown import Unknown

_KINDS = ("symmetric", "public", "private", "certificate", "passphrase", "opaque")


class SecretProps(Properties):
    """Properties of a secret."""

    name: str | None = prop("Name of the secret.")
    payload: str | None = prop("What is kept; without it only its description is there.")
    payload_content_type: str | None = prop(
        "The kind of payload; only with a payload.", constraints=[one_of(TEXT, BINARY)]
    )
    payload_content_encoding: str | None = prop(
        f"How the payload is written here; needed for {BINARY}.", constraints=[one_of("base64")]
    )
    secret_type: str = prop(
        "What the payload is used as.", default="opaque", constraints=[one_of(*_KINDS)], since="5.0.0"
    )
    expiration: str | None = prop(
        "When the secret expires, in ISO 8601; never without it.", constraints=[custom("expiration")]
    )
    algorithm: str | None = prop("The algorithm that a key is for, such as aes.")
    bit_length: int | None = prop("Length of a key.", constraints=[between(0)])
    mode: str | None = prop("The mode of the algorithm, such as cbc.")


async def _payload(reading: Reading) -> str | None:
    return await payload_of(reading.cloud, reading.physical_id)


@resource_type("OS::Barbican::Secret", since="2014.2")
class Secret(Kept[SecretProps]):
    """A secret. The service never changes one, so that any change makes a new one."""

    entity = SECRETS
    lookups: ClassVar = {
        "barbican.secret": Collection("Secret", "key-manager", "/secrets", "secrets", by_url=True)
    }
    fields: ClassVar = same(
        *("name", "payload", "payload_content_type", "payload_content_encoding", "secret_type"),
        *("algorithm", "bit_length", "mode"),
    ) | {"expiration": Field("expiration", convert=moment)}
    attributes: ClassVar = {
        "status": attr("State of the secret.", how=LIVE),
        "decrypted_payload": attr(
            "The payload; read only where something refers to it. Bytes come in base64.", read=_payload
        ),
    }

    def validate(self, props: SecretProps) -> None:
        """A type of content needs a payload; bytes need an encoding, and only bytes have one."""
        kind, encoding = props.payload_content_type, props.payload_content_encoding
        if kind and not props.payload:
            raise PropertyError(
                "payload_content_type cannot be specified without payload.",
                path="properties.payload_content_type",
                remedy="Give the payload, or leave out payload_content_type.",
            )
        if kind == BINARY and not encoding:
            raise PropertyError(
                f"A payload of the payload_content_type {BINARY} needs a payload_content_encoding.",
                path="properties.payload_content_encoding",
                remedy="Write the payload in base64, and set payload_content_encoding to base64.",
            )
        if encoding and kind != BINARY and not isinstance(kind, Unknown):
            raise PropertyError(
                f"payload_content_encoding is only for the payload_content_type {BINARY}.",
                path="properties.payload_content_encoding",
                remedy="Leave it out, or change payload_content_type.",
            )

    def body(self, ctx: Context, props: SecretProps) -> JSON:
        """A payload is text unless something else is said."""
        body = super().body(ctx, props)
        return {"payload_content_type": TEXT} | body if "payload" in body else body
