"""The key manager of the dev cloud: URLs as ids, payloads, orders that take a while, containers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.devcloud.conftest import URL, Cloud, User

V1 = "/key-manager/v1"
TEXT: dict[str, Any] = {"payload": "hello", "payload_content_type": "text/plain"}
BYTES: dict[str, Any] = {
    "payload": "AAH/",
    "payload_content_type": "application/octet-stream",
    "payload_content_encoding": "base64",
}
KEY: dict[str, Any] = {"type": "key", "meta": {"algorithm": "aes", "bit_length": 256}}
PAIR: dict[str, Any] = {"type": "asymmetric", "meta": {"algorithm": "rsa", "bit_length": 1024, "name": "n"}}


async def made(user: User, plural: str, body: Any) -> str:
    """The path of a new object."""
    ref: str = (await user.post(f"{V1}/{plural}", body))[f"{plural[:-1]}_ref"]
    assert ref.startswith(f"{URL}{V1}/{plural}/")
    return ref.removeprefix(URL)


async def refusal(user: User, plural: str, body: Any) -> str:
    reply = await user.call("POST", f"{V1}/{plural}", body)
    assert reply.json()["code"] == reply.status_code
    return f"{reply.status_code} {reply.json()['description']}"


async def test_secret_is_shown_without_its_payload(demo: User) -> None:
    path = await made(demo, "secrets", TEXT | {"name": "n", "expiration": "2040-01-01T01:00:00+01:00"})
    shown = await demo.get(path)
    assert shown["secret_ref"] == URL + path
    assert (shown["status"], shown["content_types"]) == ("ACTIVE", {"default": "text/plain"})
    assert shown["expiration"] == "2040-01-01T00:00:00"
    assert "hello" not in str(shown)
    assert (await demo.call("GET", f"{path}/payload", headers={"Accept": "text/plain"})).text == "hello"
    assert await demo.status("DELETE", path) == 204
    assert (await demo.call("GET", path)).json() == {
        "code": 404,
        "title": "Not Found",
        "description": "Secret not found.",
    }


@pytest.mark.parametrize(
    ("accept", "status"), [("application/octet-stream", 200), ("*/*", 200), ("text/plain", 406)]
)
async def test_bytes_are_not_text(demo: User, accept: str, status: int) -> None:
    path = await made(demo, "secrets", BYTES)
    reply = await demo.call("GET", f"{path}/payload", headers={"Accept": accept})
    assert reply.status_code == status
    assert (reply.content == b"\x00\x01\xff") == (status == 200)


async def test_secret_without_a_payload_has_none(demo: User) -> None:
    path = await made(demo, "secrets", {})
    assert await demo.status("GET", f"{path}/payload", headers={"Accept": "text/plain"}) == 404


@pytest.mark.parametrize(
    ("plural", "body", "reason"),
    [
        ("secrets", {"payload": "x"}, "'payload_content_type' must also be supplied"),
        ("secrets", {"payload_content_type": "text/plain"}, "payload must be provided"),
        ("secrets", TEXT | {"payload": " "}, "must be non empty"),
        ("secrets", TEXT | {"payload_content_type": "text/html"}, "payload_content_type is not one of"),
        ("secrets", TEXT | {"payload_content_encoding": "base64"}, "payload_content_encoding is not one of"),
        ("secrets", BYTES | {"payload": "A"}, "Invalid payload for payload_content_encoding"),
        ("secrets", TEXT | {"payload": "x" * 20_001}, "413 Provided information too large"),
        ("secrets", {"bit_length": 0}, "Invalid property: 'bit_length'"),
        ("secrets", {"bit_length": "1"}, "is not of type 'integer'"),
        ("secrets", {"secret_type": "odd"}, "Invalid property: 'secret_type'"),
        ("secrets", {"expiration": "2020-01-01T00:00:00Z"}, "before current time"),
        ("secrets", {"expiration": "soon"}, "Invalid date"),
        ("secrets", {"name": 1}, "is not of type 'string'"),
        ("secrets", {"name": "n" * 256}, "too long"),
        ("orders", {"type": "certificate", "meta": {}}, "Invalid property: 'type'"),
        ("orders", {"type": "key", "meta": []}, "Invalid property: 'meta'"),
        ("orders", {"type": "key", "meta": {"bit_length": 8}}, "'algorithm' is required"),
        ("orders", {"type": "key", "meta": {**KEY["meta"], "bit_length": 9}}, "not supported"),
        ("orders", {"type": "key", "meta": {**KEY["meta"], "payload": "x"}}, "'payload' not allowed"),
        ("containers", {"type": "odd"}, "Invalid property: 'type'"),
        ("containers", {"type": "generic", "secret_refs": [{"secret_ref": "x"}]}, "not supported"),
    ],
)
async def test_what_is_refused(demo: User, plural: str, body: Any, reason: str) -> None:
    assert reason in await refusal(demo, plural, body)


async def test_lists_come_in_pages_of_ten(demo: User, admin: User) -> None:
    for number in range(12):
        await made(demo, "secrets", {"name": f"n{number}"})
    page = await demo.get(f"{V1}/secrets")
    assert (len(page["secrets"]), page["total"]) == (10, 12)
    rest = await demo.get(page["next"].removeprefix(URL))
    assert (len(rest["secrets"]), "next" in rest) == (2, False)
    assert [each["name"] for each in (await demo.get(f"{V1}/secrets?name=n3"))["secrets"]] == ["n3"]
    assert (await demo.get(f"{V1}/secrets?limit=2&offset=11"))["secrets"] == rest["secrets"][1:]


async def test_order_for_a_key_is_carried_out_in_its_time(cloud: Cloud, demo: User) -> None:
    path = await made(demo, "orders", KEY)
    assert (await demo.get(path))["status"] == "PENDING"
    cloud.time.now += 1
    order = await demo.get(path)
    assert (order["status"], order["meta"]["bit_length"]) == ("ACTIVE", 256)
    secret = order["secret_ref"].removeprefix(URL)
    assert (await demo.get(secret))["secret_type"] == "symmetric"
    payload = await demo.call("GET", f"{secret}/payload", headers={"Accept": "application/octet-stream"})
    assert len(payload.content) == 32
    assert await demo.status("DELETE", path) == 204
    assert (await demo.get(secret))["status"] == "ACTIVE"


async def test_order_for_a_pair_makes_a_container(cloud: Cloud, demo: User) -> None:
    path = await made(demo, "orders", PAIR)
    cloud.time.now += 1
    container = await demo.get((await demo.get(path))["container_ref"].removeprefix(URL))
    assert (container["type"], container["name"]) == ("rsa", "n")
    pems = {}
    for each in container["secret_refs"]:
        reply = await demo.call("GET", each["secret_ref"].removeprefix(URL) + "/payload")
        pems[each["name"]] = reply.text.partition("\n")[0]
    assert pems == {
        "public_key": "-----BEGIN PUBLIC KEY-----",
        "private_key": "-----BEGIN PRIVATE KEY-----",
    }


async def test_containers_hold_what_their_type_says(demo: User) -> None:
    one, two = [URL + await made(demo, "secrets", TEXT) for _ in range(2)]

    def refs(**named: str) -> list[dict[str, str]]:
        return [{"name": name, "secret_ref": ref} for name, ref in named.items()]

    pair = refs(private_key=one, public_key=two)
    path = await made(demo, "containers", {"type": "rsa", "secret_refs": pair})
    assert (await demo.get(path))["secret_refs"] == [
        {"secret_ref": one, "name": "private_key"},
        {"secret_ref": two, "name": "public_key"},
    ]
    wrong = [
        ("rsa", refs(private_key=one), "minimum required reference names"),
        ("certificate", refs(certificate=one, odd=two), "reference names are allowed"),
        ("generic", refs(a=one, b=one), "Duplicate secret ids"),
        ("generic", refs(a=one) * 2, "Duplicate reference names"),
        ("generic", refs(a=one + "0"), "404 Secret provided for 'a' doesn't exist"),
    ]
    for kind, held, reason in wrong:
        assert reason in await refusal(demo, "containers", {"type": kind, "secret_refs": held})


async def test_consumers_are_registered_once(demo: User) -> None:
    path = await made(demo, "containers", {"type": "generic"})
    consumer = {"name": "lb", "URL": "http://lb.test/1"}
    for _ in range(2):
        await demo.post(f"{path}/consumers", consumer)
    assert (await demo.get(path))["consumers"] == [consumer]
    assert await demo.status("POST", f"{path}/consumers", {"name": "lb"}) == 400
    assert await demo.status("DELETE", f"{path}/consumers", consumer) == 200
    assert await demo.status("DELETE", f"{path}/consumers", consumer) == 404


async def test_quota_is_403(build: Callable[..., Cloud]) -> None:
    demo = await build(quotas={"secrets": 1}).login("demo", "demo")
    await made(demo, "secrets", {})
    assert "403 Creation not allowed because a quota" in await refusal(demo, "secrets", {})


async def test_objects_belong_to_their_project(demo: User, build: Callable[..., Cloud]) -> None:
    path = await made(demo, "secrets", TEXT)
    assert await demo.status("GET", path, headers={"X-Auth-Token": "nobody"}) == 401
    assert (await demo.http.get("/key-manager/")).json()["versions"]["values"][0]["id"] == "v1"
