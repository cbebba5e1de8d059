"""Secrets: what is known of them, and their payloads."""

from __future__ import annotations

import base64
import binascii
from typing import Any, Final

from stackd.devcloud.barbican.style import STYLE, checked, checked_expiration, invalid, refer, routes
from stackd.devcloud.collection import Collection, Field, demand, fetch
from stackd.devcloud.store import JSON
from stackd.devcloud.wire import Call, Fault, Reply, Route, not_found

TEXT: Final = "text/plain"
BINARY: Final = "application/octet-stream"
_TYPES: Final = (TEXT, "text/plain;charset=utf-8", "text/plain; charset=utf-8", BINARY, "application/pkcs8")
_KINDS: Final = ("symmetric", "passphrase", "private", "public", "certificate", "opaque")
_LARGEST: Final = 20_000
_SCHEMA: Final = "Secret"


def _prepare(call: Call, values: JSON, private: JSON) -> None:
    checked(_SCHEMA, values, FIELDS)
    check_length(_SCHEMA, values["bit_length"])
    if values["secret_type"] not in _KINDS:
        raise invalid(_SCHEMA, f"{values['secret_type']!r} is not one of {list(_KINDS)}", "secret_type")
    values["expiration"] = checked_expiration(call, _SCHEMA, values["expiration"])
    payload = values.pop("payload")
    kind, encoding = values.pop("payload_content_type"), values.pop("payload_content_encoding")
    if payload is None and kind is not None:
        reason = "payload must be provided when payload_content_type is specified"
        raise invalid(_SCHEMA, reason, "payload")
    if payload is not None:
        private["payload"] = _decoded(payload, kind, encoding)
        values["content_types"] = {"default": kind.partition(";")[0]}
    values |= {"status": "ACTIVE", "creator_id": call.actor.user_id}


def check_length(schema: str, bits: Any) -> None:
    """A number of bits, if one is given."""
    if bits is not None and (isinstance(bits, bool) or not isinstance(bits, int)):
        raise invalid(schema, f"{bits!r} is not of type 'integer'", "bit_length")
    if bits is not None and not 1 <= bits <= 32767:
        raise invalid(schema, f"{bits} is not between 1 and 32767", "bit_length")


def _decoded(payload: Any, kind: Any, encoding: Any) -> bytes:
    """The bytes of a payload; a fault unless they fit to their type and encoding."""
    if not isinstance(payload, str):
        raise invalid(_SCHEMA, f"{payload!r} is not of type 'string'", "payload")
    if kind is None:
        reason = "If 'payload' is supplied, 'payload_content_type' must also be supplied."
        raise invalid(_SCHEMA, reason, "payload_content_type")
    if kind not in _TYPES:
        raise invalid(_SCHEMA, f"payload_content_type is not one of {list(_TYPES)}", "payload_content_type")
    is_text = kind.startswith(TEXT)
    if encoding != (None if is_text else "base64"):
        allowed = None if is_text else ["base64", "binary"]
        reason = f"payload_content_encoding is not one of {allowed}"
        raise invalid(_SCHEMA, reason, "payload_content_encoding")
    if len(payload.encode()) > _LARGEST:
        raise Fault(413, "Provided information too large to process")
    if not payload.strip():
        raise invalid(_SCHEMA, "If 'payload' specified, must be non empty", "payload")
    if is_text:
        return payload.strip().encode()
    try:
        return base64.b64decode(payload.strip())
    except binascii.Error:
        raise invalid(_SCHEMA, "Invalid payload for payload_content_encoding", "payload") from None


FIELDS: Final = {
    "name": Field(), "algorithm": Field(), "mode": Field(), "bit_length": Field(), "expiration": Field(),
    "secret_type": Field("opaque"), "payload": Field(), "payload_content_type": Field(),
    "payload_content_encoding": Field(),
}  # fmt: skip
SECRETS: Final = Collection(
    kind="key-manager.secrets", path="/secrets", singular="", plural="secrets", label="Secret",
    fields=FIELDS, quota="secrets", id_field="secret_ref", methods="show delete", prepare=_prepare,
    created=refer("/secrets", "secret_ref"),
)  # fmt: skip


def _payload(call: Call) -> Reply:
    """The payload as it was given; a type has to be asked for that payloads can have."""
    demand(call, "reader", "Secret payload retrieval", STYLE)
    secret = fetch(SECRETS, STYLE, call, call.params["id"])
    if "payload" not in secret.private:
        raise not_found("Not Found. Sorry but your secret has no payload.")
    accepted = call.headers.get("accept", BINARY)
    is_text = secret.data["content_types"]["default"] == TEXT
    if accepted not in ("*/*", *_TYPES) or (accepted.startswith(TEXT) and not is_text):
        raise Fault(406, "Secret payload retrieval issue seen - Wrong payload content-type.")
    return Reply(200, secret.private["payload"], {"content-type": TEXT if is_text else BINARY})


ROUTES: Final = (*routes(SECRETS, 201), Route("GET", "/secrets/{id}/payload", _payload))
