"""Orders: keys that the service makes, which are there after a while."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from stackd.devcloud.barbican.containers import CONTAINERS
from stackd.devcloud.barbican.secrets import BINARY, SECRETS, check_length
from stackd.devcloud.barbican.style import checked_expiration, invalid, last_part, refer, routes
from stackd.devcloud.collection import Collection, Field
from stackd.devcloud.store import JSON, Entity
from stackd.devcloud.wire import Call, bad_request
from stackd.devcloud.world import World, stamp_plain

_SCHEMA: Final = "Order"
_WITHIN: Final = "Secret' within 'Order"
_SMALLEST: Final = 1024
"""Bits of the weakest RSA key that can be made."""


def _prepare(call: Call, values: JSON, private: JSON) -> None:
    kind, meta = values["type"], values["meta"]
    if kind not in _MAKERS:
        raise invalid(_SCHEMA, f"{kind!r} is not one of {list(_MAKERS)}", "type")
    if not isinstance(meta, dict):
        raise invalid(_SCHEMA, f"{meta!r} is not of type 'object'", "meta")
    if meta.get("payload") is not None:
        raise invalid(_SCHEMA, f"'payload' not allowed for {kind} type order", "meta")
    check_length(_WITHIN, meta.get("bit_length"))
    for name in ("algorithm", "bit_length"):
        if not meta.get(name):
            raise invalid(_SCHEMA, f"'{name}' is required field for {kind} type order", "meta")
    if meta["bit_length"] % 8:
        raise bad_request("Provided field value is not supported")
    expiration = checked_expiration(call, _WITHIN, meta.get("expiration"))
    values["meta"] = {"name": None, "mode": None, **meta, "expiration": expiration}
    values |= {"status": "PENDING", "creator_id": call.actor.user_id}


def _created(call: Call, order: Entity) -> None:
    """The key gets its URL at once, and is made when the order is."""
    refer("/orders", "order_ref")(call, order)
    world, kind = call.world, order.data["type"]
    coll = SECRETS if kind == "key" else CONTAINERS
    ref = f"{call.base}{coll.path}/{world.uuid()}"
    done = {"status": "ACTIVE", coll.id_field: ref, "updated": stamp_plain(world.clock() + world.ready_after)}
    make = _MAKERS[kind]
    world.store.later(order, world.ready_after, done, lambda: make(world, order, ref))


def _make_key(world: World, order: Entity, ref: str) -> None:
    bits: int = order.data["meta"]["bit_length"]
    _add_secret(world, order, ref, "symmetric", world.random.randbytes(bits // 8))


def _make_pair(world: World, order: Entity, ref: str) -> None:
    """Keys as PEM, in a container. A pass phrase makes no difference, as in Barbican by default."""
    base, refs = ref.partition(CONTAINERS.path)[0], []
    private, public = _pair(order.data["meta"]["bit_length"])
    for kind, payload in (("public", public), ("private", private)):
        secret_ref = f"{base}{SECRETS.path}/{world.uuid()}"
        _add_secret(world, order, secret_ref, kind, payload)
        refs.append({"name": f"{kind}_key", "secret_ref": secret_ref})
    _add(world, order, CONTAINERS, ref, {"type": "rsa", "secret_refs": refs, "consumers": []})


def _pair(bits: int) -> tuple[bytes, bytes]:
    key, pem = rsa.generate_private_key(65537, max(bits, _SMALLEST)), serialization.Encoding.PEM
    unlocked = serialization.NoEncryption()
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, unlocked)
    public = key.public_key().public_bytes(pem, serialization.PublicFormat.SubjectPublicKeyInfo)
    return private, public


def _add_secret(world: World, order: Entity, ref: str, kind: str, payload: bytes) -> None:
    meta = order.data["meta"]
    shared = {name: meta.get(name) for name in ("algorithm", "mode", "bit_length", "expiration")}
    data = {"secret_type": kind, "content_types": {"default": BINARY}, **shared}
    _add(world, order, SECRETS, ref, data, {"payload": payload})


def _add(
    world: World, order: Entity, coll: Collection, ref: str, data: JSON, private: JSON | None = None
) -> None:
    now = stamp_plain(world.clock())
    known = {
        coll.id_field: ref, "name": order.data["meta"].get("name"), "status": "ACTIVE", "created": now,
        "updated": now, "creator_id": order.data["creator_id"],
    }  # fmt: skip
    world.store.add(coll.kind, last_part(ref), order.project_id, known | data, private)


_MAKERS: Final[dict[str, Callable[[World, Entity, str], None]]] = {
    "key": _make_key,
    "asymmetric": _make_pair,
}
ORDERS: Final = Collection(
    kind="key-manager.orders", path="/orders", singular="", plural="orders", label="Order",
    fields={"type": Field(), "meta": Field()}, quota="orders", id_field="order_ref", methods="show delete",
    broken={
        "status": "ERROR", "error_status_code": "500",
        "error_reason": "Process TypeOrder failure seen - please contact site administrator.",
    },
    prepare=_prepare, created=_created,
)  # fmt: skip
ROUTES: Final = routes(ORDERS, 202)
