"""A stack with every type of the key manager and the DNS service, through its life and its accidents."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from stackd.records import Stack, Status
from tests.support.engine import Process, World, world

TABLES = (
    *("key-manager.secrets", "key-manager.orders", "key-manager.containers"),
    *("dns.zones", "dns.recordsets"),
)


def ref(name: str) -> dict[str, str]:
    return {"get_resource": name}


def attribute(*path: str) -> dict[str, Any]:
    return {"get_attr": list(path)}


SECRET = {"payload": "s3cret words"}
ZONE = {"name": "example.test.", "email": "a@example.test"}
RESOURCES: Mapping[str, Any] = {
    "key": {"type": "OS::Barbican::Secret", "properties": SECRET},
    "bytes": {
        "type": "OS::Barbican::Secret",
        "properties": {
            "payload": "AAH/",
            "payload_content_type": "application/octet-stream",
            "payload_content_encoding": "base64",
        },
    },
    "aes": {
        "type": "OS::Barbican::Order",
        "properties": {"type": "key", "algorithm": "aes", "bit_length": 256},
    },
    "pair": {
        "type": "OS::Barbican::Order",
        "properties": {"type": "asymmetric", "algorithm": "rsa", "bit_length": 1024},
    },
    "box": {
        "type": "OS::Barbican::GenericContainer",
        "properties": {"secrets": [{"name": "a", "ref": ref("key")}, {"name": "b", "ref": ref("bytes")}]},
    },
    "rsa": {
        "type": "OS::Barbican::RSAContainer",
        "properties": {"public_key_ref": ref("key"), "private_key_ref": ref("bytes")},
    },
    "certificate": {
        "type": "OS::Barbican::CertificateContainer",
        "properties": {"certificate_ref": ref("key"), "private_key_ref": ref("bytes")},
    },
    "zone": {"type": "OS::Designate::Zone", "properties": ZONE},
    "inner": {"type": "OS::Designate::Zone", "properties": {**ZONE, "name": "in.example.test."}},
    "www": {
        "type": "OS::Designate::RecordSet",
        "properties": {"zone": ref("zone"), "name": "www", "type": "A", "records": ["10.0.0.1"]},
    },
    "old": {"type": "OS::Designate::Domain", "properties": {"anything": 1}},
}
OUTPUTS: Mapping[str, Any] = {
    "key": ref("key"),
    "text": attribute("key", "decrypted_payload"),
    "bytes": attribute("bytes", "decrypted_payload"),
    "aes": attribute("aes", "secret_ref"),
    "pem": attribute("pair", "private_key"),
    "certificate": attribute("pair", "certificate"),
    "held": attribute("box", "secret_refs"),
    "serial": attribute("zone", "serial"),
    "name": attribute("www", "show", "name"),
}


def template(**changed: Mapping[str, Any]) -> dict[str, Any]:
    """The template, with some properties of resources changed."""
    resources = {
        name: each | {"properties": each["properties"] | changed.get(name, {})}
        for name, each in RESOURCES.items()
    }
    outputs = {name: {"value": value} for name, value in OUTPUTS.items()}
    return {"heat_template_version": "2018-08-31", "resources": resources, "outputs": outputs}


async def done(process: Process, stack: Stack) -> dict[str, str]:
    """The physical ids once all is well."""
    found = await process.done(stack)
    assert found.status is Status.COMPLETE, found.reason
    return {name: row.physical_id or "" for name, row in (await process.rows(stack)).items()}


def only(made: World, table: str, name: str) -> Mapping[str, Any]:
    (found,) = [each for each in made.objects(table) if each["name"] == name]
    return found


def counted(made: World) -> list[int]:
    """How many objects of each table there are."""
    made.cloud.store.settle()
    return [len(list(made.cloud.store.all(table))) for table in TABLES]


async def test_every_type_lives(tmp_path: Path) -> None:
    async with world(tmp_path) as made, made.process() as process:
        stack = await process.create("s", template())
        before = await done(process, stack)
        outputs = await process.outputs(stack)
        assert outputs["key"] == before["key"]
        assert (outputs["text"], outputs["bytes"]) == ("s3cret words", "AAH/")
        assert outputs["pem"].startswith("-----BEGIN PRIVATE KEY-----")
        assert outputs["certificate"] is None
        assert outputs["held"] == {"a": before["key"], "b": before["bytes"]}
        assert outputs["name"] == "www.example.test."
        assert outputs["aes"] in {each["secret_ref"] for each in made.objects("secrets")}

        in_place = template(zone={"ttl": 60}, www={"records": ["10.0.0.2"], "description": "d"})
        await process.update(stack, in_place)
        assert await done(process, stack) == before
        assert only(made, "zones", "example.test.")["ttl"] == 60
        assert only(made, "recordsets", "www.example.test.")["records"] == ["10.0.0.2"]

        other = template(key={"payload": "other"}, aes={"mode": "cbc"}, www={"name": "web.example.test."})
        await process.update(stack, other)
        after = await done(process, stack)
        replaced = {name for name in before if before[name] != after[name]}
        assert replaced == {"key", "aes", "box", "rsa", "certificate", "www"}
        assert (await process.outputs(stack))["text"] == "other"

        await process.delete(stack)
        assert (await process.done(stack)).status is Status.COMPLETE
        assert counted(made) == [4, 0, 1, 0, 0], "what orders made stays"


LOST = [
    ("key-manager", "/secrets", "key"),
    ("key-manager", "/orders", "aes"),
    ("key-manager", "/containers", "box"),
    ("dns", "/zones", "zone"),
    ("dns", "/recordsets", "www"),
]


@pytest.mark.parametrize(("service", "path", "name"), LOST)
async def test_object_is_found_when_the_answer_is_lost(
    tmp_path: Path, service: str, path: str, name: str
) -> None:
    rule = {"service": service, "method": "POST", "path": path, "effect": "drop_after", "times": 1}
    async with world(tmp_path, faults=[rule]) as made, made.process() as process:
        ids = await done(process, await process.create("s", template()))
        assert ids[name]
        assert counted(made) == [2 + 1 + 2, 2, 3 + 1, 2, 2 * 2 + 1]


def breaking(service: str, path: str) -> dict[str, Any]:
    """The fault that the first new object of a collection goes wrong."""
    return {"service": service, "method": "POST", "path": path, "effect": "error_status", "times": 1}


def some(*names: str) -> dict[str, Any]:
    """The template with only these resources."""
    resources = {name: RESOURCES[name] for name in names}
    return {"heat_template_version": "2018-08-31", "resources": resources}


async def test_records_in_error_are_made_again(tmp_path: Path) -> None:
    async with world(tmp_path, faults=[breaking("dns", "/recordsets")]) as made, made.process() as process:
        stack = await process.create("s", some("zone", "www"))
        await done(process, stack)
        assert "www DELETE_COMPLETE" in await process.told(stack)
        assert only(made, "recordsets", "www.example.test.")["status"] == "ACTIVE"


async def test_a_zone_that_failed_for_good_gives_way_to_another_of_its_name(tmp_path: Path) -> None:
    fault = breaking("dns", "/zones") | {"times": 20}
    async with world(tmp_path, faults=[fault]) as made, made.process() as process:
        stack = await process.create("s", some("zone"))
        failed = await process.done(stack)
        assert "Went to status ERROR" in (failed.reason or "")
        assert only(made, "zones", "example.test.")["status"] == "ERROR"
        made.cloud.faults.replace([])
        await process.update(stack, some("zone"))
        ids = await done(process, stack)
        assert only(made, "zones", "example.test.")["id"] == ids["zone"]


async def test_a_failed_order_is_not_tried_again(tmp_path: Path) -> None:
    async with (
        world(tmp_path, faults=[breaking("key-manager", "/orders")]) as made,
        made.process() as process,
    ):
        stack = await process.create("s", some("aes"))
        failed = await process.done(stack)
        assert "The order failed (500): Process TypeOrder failure seen" in (failed.reason or "")
        await process.update(stack, some("aes"))
        await done(process, stack)
        assert counted(made)[:2] == [1, 1]
