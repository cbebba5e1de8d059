"""The types of the key manager: what they send, read and refuse."""

from typing import Any

import pytest

from stackd.clients.wire import Reply
from stackd.errors import PropertyError, ResourceFailure, ResourceInError
from stackd.template.unknown import Unknown
from tests.support.context import FakeContext, gone

SECRET, ORDER = "OS::Barbican::Secret", "OS::Barbican::Order"
GENERIC, RSA = "OS::Barbican::GenericContainer", "OS::Barbican::RSAContainer"
CERTIFICATE = "OS::Barbican::CertificateContainer"
BASE = "http://keys.test/v1"
NAME = "app-thing-abcdefghijkl"
BINARY = "application/octet-stream"
BYTES = {
    "payload": "AAH/",
    "payload_content_type": BINARY,
    "payload_content_encoding": "base64",
}
KEY = {"type": "key", "algorithm": "aes", "bit_length": 256}
PAIR = {"type": "asymmetric", "algorithm": "rsa", "bit_length": 2048}


def url(plural: str, identity: str = "x1") -> str:
    return f"{BASE}/{plural}/{identity}"


PLAIN: list[tuple[str, str, dict[str, Any], dict[str, Any]]] = [
    (SECRET, "secrets", {}, {"name": NAME, "secret_type": "opaque"}),
    (
        SECRET,
        "secrets",
        {"payload": "p", "name": "n", "expiration": "2040-01-01T02:00:00+02:00"},
        {
            "name": "n",
            "secret_type": "opaque",
            "payload": "p",
            "payload_content_type": "text/plain",
            "expiration": "2040-01-01T00:00:00",
        },
    ),
    (SECRET, "secrets", BYTES, {"name": NAME, "secret_type": "opaque", **BYTES}),
    (
        ORDER,
        "orders",
        {**KEY, "mode": "cbc"},
        {"type": "key", "meta": {"name": NAME, "algorithm": "aes", "bit_length": 256, "mode": "cbc"}},
    ),
    (
        GENERIC,
        "containers",
        {"secrets": [{"name": "a", "ref": url("secrets")}]},
        {"name": NAME, "type": "generic", "secret_refs": [{"name": "a", "secret_ref": url("secrets")}]},
    ),
    (
        RSA,
        "containers",
        {"name": "n", "public_key_ref": url("secrets"), "private_key_ref": url("secrets", "x2")},
        {
            "name": "n",
            "type": "rsa",
            "secret_refs": [
                {"name": "private_key", "secret_ref": url("secrets", "x2")},
                {"name": "public_key", "secret_ref": url("secrets")},
            ],
        },
    ),
    (
        CERTIFICATE,
        "containers",
        {"certificate_ref": url("secrets")},
        {
            "name": NAME,
            "type": "certificate",
            "secret_refs": [{"name": "certificate", "secret_ref": url("secrets")}],
        },
    ),
]


@pytest.mark.parametrize(("kind", "plural", "properties", "body"), PLAIN)
async def test_url_is_the_id_and_its_end_the_path(
    kind: str, plural: str, properties: dict[str, Any], body: dict[str, Any]
) -> None:
    ctx = FakeContext(kind, properties=properties)
    ctx.type.validate(ctx.props)
    ctx.cloud.on("POST", f"/{plural}", {f"{plural[:-1]}_ref": url(plural)})
    ctx.cloud.on("DELETE", f"/{plural}/x1").on("GET", f"/{plural}/x1", {"status": "ACTIVE"})
    await ctx.type.create(ctx, ctx.props)
    assert ctx.cloud.sent("POST") == [body]
    assert ctx.physical_id == ctx.type.reference(ctx.resource) == url(plural)
    assert ctx.type.ready(await ctx.live())
    await ctx.type.delete(ctx, ctx.props)
    assert ctx.cloud.asked("DELETE") == [("DELETE", f"/{plural}/x1")]


@pytest.mark.parametrize(
    ("kind", "plural", "properties"),
    [(SECRET, "secrets", {}), (GENERIC, "containers", {}), (RSA, "containers", {})],
)
async def test_interrupted_creation_is_found_by_its_name(
    kind: str, plural: str, properties: dict[str, Any]
) -> None:
    ctx = FakeContext(kind, properties=properties)
    ours = {f"{plural[:-1]}_ref": url(plural), "name": NAME}
    ctx.cloud.on("GET", f"/{plural}", {plural: [ours, ours | {"name": None}]})
    assert await ctx.type.find(ctx, ctx.props) == [ours]
    assert ctx.cloud.calls[0].params == {"limit": "100", "name": NAME}


async def test_interrupted_order_is_found_by_the_name_in_it() -> None:
    ctx = FakeContext(ORDER, properties=KEY)
    ours = {"order_ref": url("orders"), "meta": {"name": NAME}}
    ctx.cloud.on("GET", "/orders", {"orders": [{"order_ref": "y", "meta": {"name": None}}, ours]})
    assert await ctx.type.find(ctx, ctx.props) == [ours]


# --- payloads -------------------------------------------------------------------------------------------


def payload(kind: str | None, content: bytes = b"") -> FakeContext:
    """A secret with a payload of a type."""
    ctx = FakeContext(SECRET, physical=url("secrets"))
    known = {"content_types": {"default": kind}} if kind else {}
    ctx.cloud.on("GET", "/secrets/x1", {"status": "ACTIVE", **known})
    ctx.cloud.on("GET", "/secrets/x1/payload", Reply(200, {}, None, content))
    return ctx


@pytest.mark.parametrize(
    ("kind", "content", "shown"),
    [
        ("text/plain", "grün".encode(), "grün"),
        (BINARY, b"\x00\x01\xff", "AAH/"),
        (BINARY, b"-----BEGIN CERTIFICATE-----\nx", "-----BEGIN CERTIFICATE-----\nx"),
        (None, b"", None),
    ],
)
async def test_payload_is_read_in_its_type(kind: Any, content: bytes, shown: Any) -> None:
    ctx = payload(kind, content)
    assert await ctx.attribute("decrypted_payload") == shown
    asked = [call.headers for call in ctx.cloud.calls if call.path.endswith("payload")]
    assert asked == ([{"Accept": kind}] if kind else [])


async def test_keys_of_a_pair_are_payloads_in_its_container() -> None:
    ctx = FakeContext(ORDER, properties=PAIR, physical=url("orders"))
    ctx.cloud.on("GET", "/orders/x1", {"status": "ACTIVE", "container_ref": url("containers", "c1")})
    held = [{"name": "public_key", "secret_ref": url("secrets")}]
    ctx.cloud.on("GET", "/containers/c1", {"secret_refs": held})
    ctx.cloud.on("GET", "/secrets/x1", {"content_types": {"default": "text/plain"}})
    ctx.cloud.on("GET", "/secrets/x1/payload", Reply(200, {}, None, b"PEM"))
    assert await ctx.attribute("public_key") == "PEM"
    assert await ctx.attribute("intermediates") is None
    assert await ctx.attribute("container_ref") == url("containers", "c1")


async def test_an_order_for_a_key_has_no_pair() -> None:
    ctx = FakeContext(ORDER, properties=KEY, physical=url("orders"))
    ctx.cloud.on("GET", "/orders/x1", {"status": "ACTIVE", "secret_ref": url("secrets")})
    assert await ctx.attribute("private_key") is None
    assert await ctx.attribute("secret_ref") == url("secrets")


# --- states ---------------------------------------------------------------------------------------------


def test_an_order_is_waited_for_and_fails_with_its_reason() -> None:
    kind = FakeContext(ORDER, properties=KEY).type
    assert not kind.ready({"status": "PENDING"})
    with pytest.raises(ResourceFailure, match=r"The order failed \(500\): no entropy") as failed:
        kind.ready({"status": "ERROR", "error_status_code": "500", "error_reason": "no entropy"})
    assert not isinstance(failed.value, ResourceInError)


def test_a_container_in_error_is_made_again() -> None:
    kind = FakeContext(GENERIC).type
    assert not kind.ready({"status": "PENDING"})
    with pytest.raises(ResourceInError):
        kind.ready({"status": "ERROR"})


def test_a_container_shows_its_secrets_by_name() -> None:
    ctx = FakeContext(GENERIC, properties={"secrets": [{"name": "a", "ref": "r"}]}, physical="c")
    live = {"status": "ACTIVE", "secret_refs": [{"name": "a", "secret_ref": "s"}], "consumers": []}
    assert ctx.type.attribute_values(ctx.resource, live)["secret_refs"] == {"a": "s"}
    assert ctx.type.observed(ctx.props, live) == {"secrets": ({"a": "r"}, {"a": "s"})}


def test_a_pair_differs_by_the_secret_that_was_exchanged() -> None:
    ctx = FakeContext(RSA, properties={"public_key_ref": "r", "private_key_ref": "p"}, physical="c")
    held = [{"name": "public_key", "secret_ref": "r"}, {"name": "private_key", "secret_ref": "q"}]
    seen = ctx.type.observed(ctx.props, {"name": NAME, "secret_refs": held})
    assert seen == {"public_key_ref": ("r", "r"), "private_key_ref": ("p", "q")}


def test_a_secret_and_an_order_are_compared_by_what_they_show() -> None:
    secret = FakeContext(SECRET, properties={"payload": "p", "expiration": "2040-01-01T00:00:00Z"})
    shown = {"secret_type": "opaque", "expiration": "2040-01-01T00:00:00"}
    moment = "2040-01-01T00:00:00"
    assert secret.type.observed(secret.props, shown) == {
        "secret_type": ("opaque", "opaque"),
        "expiration": (moment, moment),
    }
    order = FakeContext(ORDER, properties=KEY)
    seen = order.type.observed(order.props, {"meta": {"algorithm": "des", "bit_length": 256}})
    assert seen == {"algorithm": ("aes", "des"), "bit_length": (256, 256)}


async def test_a_missing_secret_is_gone() -> None:
    ctx = FakeContext(SECRET, physical=url("secrets"))
    ctx.cloud.on("GET", "/secrets/x1", gone())
    assert await ctx.type.is_gone(ctx)


# --- rules ----------------------------------------------------------------------------------------------

WRONG: list[tuple[str, dict[str, Any], str]] = [
    (SECRET, {"payload_content_type": "text/plain"}, "cannot be specified without payload"),
    (SECRET, {"payload": "p", "payload_content_type": BINARY}, "needs a payload_content_encoding"),
    (SECRET, {"payload": "p", "payload_content_encoding": "base64"}, "is only for the payload_content_type"),
    (ORDER, {"type": "key", "algorithm": "aes"}, "algorithm and bit_length are required for key type"),
    (ORDER, {"type": "asymmetric"}, "algorithm and bit_length are required for asymmetric type"),
    (ORDER, KEY | {"pass_phrase": "p"}, "Unexpected properties: pass_phrase. Only these"),
    (ORDER, {"type": "certificate", "mode": "cbc", "algorithm": "rsa"}, "properties: algorithm, mode"),
    (ORDER, {"type": "certificate", "profile": "p"}, "profile cannot be specified without ca_id"),
    (GENERIC, {"secrets": [{"name": n, "ref": "r"} for n in "ab"]}, "Duplicate refs are not allowed: r"),
]


@pytest.mark.parametrize(("kind", "properties", "message"), WRONG)
def test_properties_that_do_not_go_together(kind: str, properties: dict[str, Any], message: str) -> None:
    ctx = FakeContext(kind, properties=properties)
    with pytest.raises(PropertyError, match=message):
        ctx.type.validate(ctx.props)


RIGHT: list[tuple[str, dict[str, Any]]] = [
    (SECRET, {"payload": "p", "payload_content_encoding": "base64", "payload_content_type": Unknown("t")}),
    (SECRET, {"payload": Unknown("p"), "payload_content_type": "text/plain"}),
    (ORDER, {"type": Unknown("t"), "pass_phrase": "p"}),
    (ORDER, PAIR | {"pass_phrase": "p"}),
    (ORDER, {"type": "certificate", "request_type": "custom", "ca_id": "c", "profile": "p"}),
    (GENERIC, {"secrets": [{"name": n, "ref": Unknown(n)} for n in "ab"]}),
]


@pytest.mark.parametrize(("kind", "properties"), RIGHT)
def test_properties_that_do(kind: str, properties: dict[str, Any]) -> None:
    ctx = FakeContext(kind, properties=properties)
    assert ctx.type.validate(ctx.props) is None
