"""Stacks of each family of resource types, through their whole life, on the real services."""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.cloud.scenarios.stack import Stack

pytestmark = pytest.mark.cloud

StackOf = Callable[[str, str], Stack]


def changed(before: dict[str, str], after: dict[str, str]) -> set[str]:
    """The resources that have another object behind them than they had."""
    return {name for name in before if after[name] != before[name]}


def test_neutron_family(stack_of: StackOf) -> None:
    stack = stack_of("neutron", "demo")
    before = stack.create()

    real = stack.real("port")
    assert real["name"] == "web"
    assert stack.output("inside") == real["fixed_ips"][0]["ip_address"]
    assert stack.real("address")["fixed_ip_address"] == stack.output("inside")
    assert stack.output("outside").startswith("172.24.4.")
    assert stack.real("router")["interfaces_info"][0]["subnet_id"] == before["subnet"]
    assert [rule["max_kbps"] for rule in stack.real("slow")["rules"]] == [1000]

    assert stack.update(port_name="renamed", nameserver="192.0.2.54", open_port="443") == before
    assert stack.real("port")["name"] == "renamed"
    assert stack.real("subnet")["dns_nameservers"] == ["192.0.2.54"]
    ingress = [rule for rule in stack.real("guard")["rules"] if rule["direction"] == "ingress"]
    assert [rule["port_range_min"] for rule in ingress] == [443]

    after = stack.update(mac="fa:16:3e:aa:00:02")
    assert changed(before, after) == {"second_port"}
    assert stack.is_gone("OS::Neutron::Port", before["second_port"])
    assert stack.real("second_port")["mac_address"] == "fa:16:3e:aa:00:02"
    assert stack.output("mac") == "fa:16:3e:aa:00:02"

    stack.delete()


def test_nova_family(stack_of: StackOf) -> None:
    stack = stack_of("nova", "demo")
    before = stack.create()

    real = stack.real("fixed")
    assert real["status"] == "ACTIVE"
    assert stack.output("fixed_address") == stack.output("port_address")
    assert stack.output("fixed_address") in json.dumps(real["addresses"])
    assert stack.real("apart")["members"] == [before["fixed"]]
    assert stack.real("port")["device_id"] == before["fixed"]

    assert stack.update(role="second", flavor="m1.tiny") == before
    real = stack.real("fixed")
    assert (real["status"], real["properties"]["role"]) == ("ACTIVE", "second")
    assert "m1.tiny" in json.dumps(real["flavor"])

    after = stack.update(boot_script="echo two")
    assert changed(before, after) == {"plain"}
    assert stack.is_gone("OS::Nova::Server", before["plain"])
    assert stack.real("plain")["status"] == "ACTIVE"

    stack.delete()


def test_cinder_family(stack_of: StackOf) -> None:
    stack = stack_of("cinder", "admin")
    before = stack.create()

    data = stack.real("data")
    assert data["status"] == "in-use"
    assert data["attachments"][0]["server_id"] == before["server"]
    assert data["type"] == f"{stack.name}-type"
    assert stack.output("size") == "1"

    assert stack.update(size="2", note="second") == before
    spare = stack.real("spare")
    assert (spare["size"], spare["description"], spare["properties"]["note"]) == (2, "second", "second")
    assert stack.output("size") == "2"

    after = stack.update(hint="two")
    assert changed(before, after) == {"spare"}
    assert stack.is_gone("OS::Cinder::Volume", before["spare"])
    assert stack.output("status") == "available"

    stack.delete()


def test_glance_family(stack_of: StackOf, image_url: str) -> None:
    stack = stack_of("glance", "demo")
    before = stack.create(url=image_url)

    real = stack.real("image")
    assert (real["status"], real["size"], real["tags"]) == ("active", 4096, ["first"])
    assert real["properties"]["os_distro"] == "debian"
    assert stack.output("image") == real["id"]

    assert stack.update(distro="fedora", tag="second") == before
    real = stack.real("image")
    assert (real["tags"], real["properties"]["os_distro"]) == (["second"], "fedora")

    after = stack.update(min_ram="128")
    assert changed(before, after) == {"image"}
    assert stack.is_gone("OS::Glance::WebImage", before["image"])
    assert (stack.real("image")["status"], stack.real("image")["min_ram"]) == ("active", 128)

    stack.delete()


def test_swift_family(stack_of: StackOf, tmp_path: Path) -> None:
    stack = stack_of("swift", "demo")
    before = stack.create()

    real = stack.real("public")
    assert real["read_acl"] == ".r:*"
    assert real["properties"]["Color"] == "red"
    assert stack.output("url").endswith("/" + before["public"])

    assert stack.update() == before

    after = stack.update(color="blue")
    assert changed(before, after) == {"public"}
    assert stack.is_gone("OS::Swift::Container", before["public"])
    assert stack.real("public")["properties"]["Color"] == "blue"

    note = tmp_path / "note.txt"
    note.write_text("goes with its container")
    stack.openstack("object", "create", stack.output("scratch"), str(note), "--name", "note.txt")
    stack.delete()


def test_keystone_family(stack_of: StackOf) -> None:
    stack = stack_of("keystone", "admin")
    first, second = (f"region-{secrets.token_hex(3)}" for _ in range(2))
    before = stack.create(region=first)

    assert stack.real("project")["name"] == stack.output("project_name")
    assert stack.output("user_project") == before["project"]
    assert (
        stack.openstack("group", "contains", "user", before["group"], before["user"])
        .strip()
        .endswith("in group " + before["group"])
    )
    who = ("role", "assignment", "list", "--role", before["role"], "--project", before["project"])
    holders = {(row["User"], row["Group"]) for row in stack.openstack.json(*who)}
    assert holders == {(before["user"], ""), ("", before["group"])}

    assert stack.update(purpose="second", mail="second@example.org") == before
    assert stack.real("project")["description"] == "second"
    assert stack.real("user")["email"] == "second@example.org"

    after = stack.update(region=second)
    assert changed(before, after) == {"region"}
    assert after["region"] == second
    assert stack.is_gone("OS::Keystone::Region", first)

    stack.delete()


def test_events_tell_the_life_of_a_stack_in_order(stack_of: StackOf) -> None:
    stack = stack_of("swift", "demo")
    stack.create()

    events = stack.events()
    assert events[0] == (stack.name, "CREATE_IN_PROGRESS")
    assert events[-1] == (stack.name, "CREATE_COMPLETE")
    for resource in ("public", "scratch"):
        began, done = (events.index((resource, f"CREATE_{status}")) for status in ("IN_PROGRESS", "COMPLETE"))
        assert 0 < began < done

    stack.update(color="green")
    assert stack.events()[-1] == (stack.name, "UPDATE_COMPLETE")
    stack.delete()


def test_a_failed_create_names_its_cause_and_can_be_deleted(stack_of: StackOf) -> None:
    stack = stack_of("glance", "demo")
    with pytest.raises(AssertionError, match=re.compile("CREATE_FAILED|killed", re.IGNORECASE)):
        stack.create(url="http://127.0.0.1:9/nothing-listens-here")

    assert stack.status() == "CREATE_FAILED"
    assert "image" in stack.openstack("stack", "failures", "list", "--long", stack.name)
    stack.delete()
