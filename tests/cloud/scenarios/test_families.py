"""Stacks of each family of resource types, through their whole life, on the real services."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cloud.scenarios.client import CommandFailed
from tests.cloud.scenarios.stack import StackOf

pytestmark = pytest.mark.cloud


def changed(before: dict[str, str], after: dict[str, str]) -> set[str]:
    """The resources that have another object behind them than they had."""
    return {name for name in before if after[name] != before[name]}


def test_neutron_family(stack_of: StackOf) -> None:
    stack = stack_of("neutron")
    before = stack.create()

    real, outputs = stack.real(), stack.outputs()
    assert real["port"]["name"] == "web"
    assert outputs["inside"] == real["port"]["fixed_ips"][0]["ip_address"]
    assert outputs["inside"] == real["address"]["fixed_ip_address"]
    assert outputs["outside"] == real["address"]["floating_ip_address"]
    assert real["address"]["router_id"] == before["router"]

    assert stack.update(port_name="renamed", nameserver="192.0.2.54", open_port="443") == before
    real = stack.real()
    assert real["port"]["name"] == "renamed"
    assert real["subnet"]["dns_nameservers"] == ["192.0.2.54"]
    ingress = [rule for rule in real["guard"]["security_group_rules"] if rule["direction"] == "ingress"]
    assert [rule["port_range_min"] for rule in ingress] == [443]

    after = stack.update(mac="fa:16:3e:aa:00:02")
    assert changed(before, after) == {"second_port"}
    assert stack.is_gone(f"port={before['second_port']}")
    assert stack.real()["second_port"]["mac_address"] == "fa:16:3e:aa:00:02"
    assert stack.output("mac") == "fa:16:3e:aa:00:02"

    stack.delete()


def test_nova_family(stack_of: StackOf) -> None:
    stack = stack_of("nova")
    before = stack.create()

    real, outputs = stack.real(), stack.outputs()
    assert real["fixed"]["status"] == "ACTIVE"
    assert outputs["fixed_address"] == outputs["port_address"]
    assert outputs["fixed_address"] in json.dumps(real["fixed"]["addresses"])
    assert real["apart"]["member_ids"] == [before["fixed"]]
    assert real["port"]["device_id"] == before["fixed"]

    assert stack.update(role="second", flavor="m1.tiny") == before
    server = stack.real()["fixed"]
    assert (server["status"], server["metadata"]["role"]) == ("ACTIVE", "second")
    assert server["flavor"]["name"] == "m1.tiny"

    after = stack.update(boot_script="echo two")
    assert changed(before, after) == {"plain"}
    assert stack.is_gone(f"server={before['plain']}")
    assert stack.real()["plain"]["status"] == "ACTIVE"

    stack.delete()


def test_cinder_family(stack_of: StackOf) -> None:
    stack = stack_of("cinder")
    before = stack.create()

    data = stack.real()["data"]
    assert data["status"] == "in-use"
    assert data["attachments"][0]["server_id"] == before["server"]
    assert data["volume_type"] == "fast"
    assert stack.output("size") == "1"

    assert stack.update(size="2", note="second") == before
    spare = stack.real()["spare"]
    assert (spare["size"], spare["description"], spare["metadata"]) == (2, "second", {"note": "second"})
    assert stack.output("size") == "2"

    after = stack.update(hint="two")
    assert changed(before, after) == {"spare"}
    assert stack.is_gone(f"volume={before['spare']}")
    assert stack.output("status") == "available"

    stack.delete()


def test_glance_family(stack_of: StackOf, image_url: str) -> None:
    stack = stack_of("glance")
    before = stack.create(url=image_url)

    image = stack.real()["image"]
    assert (image["status"], image["size"], image["tags"]) == ("active", 4096, ["first"])
    assert image["os_distro"] == "debian"
    assert stack.output("image") == image["id"]

    assert stack.update(distro="fedora", tag="second") == before
    image = stack.real()["image"]
    assert (image["tags"], image["os_distro"]) == (["second"], "fedora")

    after = stack.update(min_ram="128")
    assert changed(before, after) == {"image"}
    assert stack.is_gone(f"image={before['image']}")
    image = stack.real()["image"]
    assert (image["status"], image["min_ram"]) == ("active", 128)

    stack.delete()


def test_swift_family(stack_of: StackOf, tmp_path: Path) -> None:
    stack = stack_of("swift")
    before = stack.create()

    public = stack.real()["public"]
    assert (public["read_ACL"], public["metadata"]["color"]) == (".r:*", "red")
    assert stack.output("url").endswith("/" + before["public"])

    assert stack.update() == before

    after = stack.update(color="blue")
    assert changed(before, after) == {"public"}
    assert stack.is_gone(f"container={before['public']}")
    assert stack.real()["public"]["metadata"]["color"] == "blue"

    note = tmp_path / "note.txt"
    note.write_text("goes with its container")
    stack.openstack("object", "create", stack.output("scratch"), str(note), "--name", "note.txt")
    stack.delete()


def test_keystone_family(stack_of: StackOf) -> None:
    stack = stack_of("keystone", "admin")
    before = stack.create()

    outputs = stack.outputs()
    assert stack.real()["project"]["name"] == outputs["project_name"]
    assert outputs["user_project"] == before["project"]
    members = stack.openstack("user", "list", "--group", before["group"], "-f", "value", "-c", "ID")
    assert members == before["user"]
    where = ("--role", before["role"], "--project", before["project"])
    holders = {
        (row["User"], row["Group"]) for row in stack.openstack.json("role", "assignment", "list", *where)
    }
    assert holders == {(before["user"], ""), ("", before["group"])}

    assert stack.update(purpose="second", mail="second@example.org") == before
    real = stack.real()
    assert real["project"]["description"] == "second"
    assert real["user"]["email"] == "second@example.org"

    after = stack.update(parent="demo")
    assert changed(before, after) == {"child"}
    assert stack.is_gone(f"project={before['child']}")
    assert stack.real()["child"]["parent_id"] != real["child"]["parent_id"]

    stack.delete()


def test_events_tell_the_life_of_a_stack_in_order(stack_of: StackOf) -> None:
    stack = stack_of("swift")
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
    stack = stack_of("broken")
    with pytest.raises(CommandFailed, match="CREATE_FAILED"):
        stack.create()

    assert stack.status() == "CREATE_FAILED"
    shown = stack.openstack("stack", "failures", "list", "--long", stack.name)
    assert "port" in shown
    assert "10.99.0.9" in shown
    stack.delete()
