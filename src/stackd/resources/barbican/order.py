"""OS::Barbican::Order, a key or a pair of keys that the key manager makes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Final

from stackd.errors import PropertyError, ResourceFailure
from stackd.resources.attributes import LIVE, Reader, attr
from stackd.resources.barbican.containers import CONTAINERS
from stackd.resources.barbican.kept import Kept, kept, moment, payload_of
from stackd.resources.constraints import custom, one_of
from stackd.resources.context import JSON, Context, Reading
from stackd.resources.entity import settled
from stackd.resources.registry import resource_type
from stackd.resources.rest import Field, same
from stackd.resources.schema import Properties, prop
from stackd.template.unknown import Unknown

_KEY: Final = ("name", "algorithm", "bit_length", "expiration", "payload_content_type")
_ALLOWED: Final[Mapping[str, Sequence[str]]] = {
    "key": (*_KEY, "mode"),
    "asymmetric": (*_KEY, "mode", "pass_phrase"),
    "certificate": (
        *("name", "request_type", "subject_dn", "source_container_ref", "ca_id", "profile"),
        "request_data",
    ),
}
"""What each type of order takes."""

_REQUIRED: Final = ("algorithm", "bit_length")


class OrderProps(Properties):
    """Properties of an order."""

    name: str | None = prop("Name of what is ordered.")
    type: str = prop("What is ordered.", required=True, constraints=[one_of(*_ALLOWED)], since="5.0.0")
    algorithm: str | None = prop("The algorithm that the key is for; needed for keys.")
    bit_length: int | None = prop("Length of the key; needed for keys.")
    mode: str | None = prop("The mode of the algorithm, such as cbc.")
    payload_content_type: str | None = prop("The kind of payload that the key becomes.")
    expiration: str | None = prop(
        "When the key expires, in ISO 8601; never without it.", constraints=[custom("expiration")]
    )
    pass_phrase: str | None = prop("What encrypts the private key.", since="5.0.0")
    request_type: str | None = prop(
        "How a certificate is requested.",
        constraints=[one_of("stored-key", "simple-cmc", "custom")],
        since="5.0.0",
    )
    subject_dn: str | None = prop("The subject of a certificate.", since="5.0.0")
    source_container_ref: str | None = prop(
        "URL of the container with the keys of a certificate.",
        constraints=[custom("barbican.container")],
        since="5.0.0",
    )
    ca_id: str | None = prop("Id of the authority that signs a certificate.", since="5.0.0")
    profile: str | None = prop("The authority's profile for a certificate; only with ca_id.", since="5.0.0")
    request_data: str | None = prop("The request for a certificate, as CMC.", since="5.0.0")


def _part(name: str) -> Reader:
    """The reader of one payload in the container that an order has made."""

    async def read(reading: Reading) -> str | None:
        ref = (await reading.live()).get("container_ref")
        if not ref:
            return None
        container: JSON = await reading.cloud.service(CONTAINERS.service).get(CONTAINERS.at(ref))
        held = {each.get("name"): each["secret_ref"] for each in container["secret_refs"]}
        return await payload_of(reading.cloud, held[name]) if name in held else None

    return read


_PARTS: Final = {
    "public_key": "The public key of a pair.",
    "private_key": "The private key of a pair.",
    "certificate": "The certificate.",
    "intermediates": "The certificates in between.",
}


@resource_type("OS::Barbican::Order", since="2014.2")
class Order(Kept[OrderProps]):
    """An order for a key. What it has made stays when it is deleted.

    All that is asked for, the name included, stands in its ``meta``.
    """

    entity = kept("orders")
    fields: ClassVar = same(*_ALLOWED["asymmetric"], *_ALLOWED["certificate"][1:]) | {
        "expiration": Field("expiration", convert=moment)
    }
    waits_for = "the order is carried out"
    attributes: ClassVar = {
        "status": attr("State of the order.", how=LIVE),
        "order_ref": attr("URL of the order."),
        "secret_ref": attr("URL of the key."),
        "container_ref": attr("URL of the container with a pair of keys, or a certificate.", since="5.0.0"),
    } | {name: attr(text, read=_part(name), since="5.0.0") for name, text in _PARTS.items()}

    def validate(self, props: OrderProps) -> None:
        """Each type takes its own properties, and keys need an algorithm and a length."""
        kind = props.data["type"]
        if isinstance(kind, Unknown):
            return
        if kind != "certificate" and not (props.algorithm and props.bit_length):
            raise PropertyError(
                f"Properties {' and '.join(_REQUIRED)} are required for {kind} type of order.",
                remedy="Give both.",
            )
        allowed = sorted(_ALLOWED[kind])
        if beyond := sorted(props.given - {"type", *allowed}):
            raise PropertyError(
                f"Unexpected properties: {', '.join(beyond)}. Only these properties are allowed for "
                f"{kind} type of order: {', '.join(allowed)}.",
                remedy="Leave them out.",
            )
        if props.profile and not props.ca_id:
            raise PropertyError(
                "profile cannot be specified without ca_id.", path="properties.profile", remedy="Give ca_id."
            )

    def body(self, ctx: Context, props: OrderProps) -> JSON:
        """What is asked for stands apart from the type."""
        return {"type": props.type, "meta": super().body(ctx, props)}

    async def find(self, ctx: Context, props: OrderProps) -> Sequence[JSON]:
        """The orders of this name, for which the service has no filter."""
        name = self.body(ctx, props)["meta"]["name"]
        orders = await self.service_of(ctx).list_all(
            self.entity.path, self.entity.plural, self.entity.list_query
        )
        return [each for each in orders if each["meta"].get("name") == name]

    def observed(self, props: OrderProps, live: JSON) -> Mapping[str, tuple[Any, Any]] | None:
        """What was asked for."""
        return super().observed(props, live.get("meta") or {})

    def ready(self, live: JSON) -> bool:
        """Whether there is a key; an order that failed is not tried again, as it would fail again."""
        if live["status"] == "ERROR":
            reason = live.get("error_reason") or "Unknown"
            raise ResourceFailure(f"The order failed ({live.get('error_status_code', '?')}): {reason}")
        return settled(live["status"], ready="ACTIVE", working=("PENDING",))
