"""What is done to whole stacks, on the real services: each action has its effect there and leaves nothing."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.cloud.scenarios.client import CommandFailed
from tests.cloud.scenarios.session import Json, Session
from tests.cloud.scenarios.stack import LONGEST, Stack, StackOf, wait_until

pytestmark = [pytest.mark.cloud, pytest.mark.long]


@pytest.fixture
def stack(stack_of: StackOf, member: Session) -> Iterator[Stack]:
    """A stack that is to leave nothing in its project."""
    with leaving_nothing(stack_of("actions"), member) as made:
        yield made


@contextmanager
def leaving_nothing(stack: Stack, project: Session) -> Iterator[Stack]:
    """The stack; once it is deleted nothing of the project may have its name."""
    yield stack
    assert stack.exists() or own(project, stack) == set()


def new_events(stack: Stack, since: int) -> list[tuple[str, str]]:
    """What happened after so many events, but for the events of the stack itself."""
    return [event for event in stack.events()[since:] if event[0] != stack.name]


def backups(project: Session, volume: str) -> list[Json]:
    """The backups of a volume."""
    found: list[Json] = project.json("GET", "volume", "/backups/detail")["backups"]
    return [each for each in found if each["volume_id"] == volume]


def own(project: Session, stack: Stack) -> set[str]:
    """What the project has with the stack's name."""
    return {each for each in project.belongings() if stack.name in each}


def test_suspend_and_resume_reach_the_server_and_nothing_else(stack: Stack, member: Session) -> None:
    before = stack.create()
    began = len(stack.events())

    stack.openstack("stack", "suspend", "--wait", stack.name)

    assert stack.status() == "SUSPEND_COMPLETE"
    assert set(stack.states().values()) == {"SUSPEND_COMPLETE"}
    real = stack.real()
    assert (real["server"]["status"], real["volume"]["status"]) == ("SUSPENDED", "available")
    order = [name for name, state in stack.events()[began:] if state == "SUSPEND_COMPLETE"]
    assert order.index("server") < order.index("port") < order.index("subnet") < order.index("net")
    with pytest.raises(CommandFailed, match="Updating a stack when it is suspended is not supported"):
        stack.update(note="second")

    stack.openstack("stack", "resume", "--wait", stack.name)

    assert stack.status() == "RESUME_COMPLETE"
    assert stack.real()["server"]["status"] == "ACTIVE"
    assert stack.objects() == before
    assert stack.update(note="second") == before
    assert stack.real()["server"]["metadata"] == {"note": "second"}
    stack.openstack("stack", "suspend", "--wait", stack.name)
    stack.delete()


def test_check_names_the_port_that_is_gone_and_the_next_update_repairs_exactly_it(
    stack: Stack, member: Session
) -> None:
    before = stack.create()
    stack.openstack("stack", "check", "--wait", stack.name)
    assert stack.status() == "CHECK_COMPLETE"
    stack.openstack("port", "delete", before["spare"])

    stack.openstack("stack", "check", stack.name)
    wait_until(lambda: stack.status() == "CHECK_FAILED", "the check fails")

    failed = {name for name, state in stack.states().items() if state == "CHECK_FAILED"}
    assert failed == {"spare"}
    shown = stack.openstack.json("stack", "resource", "show", stack.name, "spare")
    assert before["spare"] in shown["resource_status_reason"]
    reason = stack.openstack.json("stack", "show", stack.name)["stack_status_reason"]
    assert "spare" in reason
    assert shown["resource_status_reason"] in reason
    began = len(stack.events())

    after = stack.update()

    assert {name for name in before if after[name] != before[name]} == {"spare"}
    assert {name for name, _ in new_events(stack, began)} == {"spare"}
    assert stack.real()["spare"]["fixed_ips"][0]["ip_address"] == "10.56.0.77"
    stack.openstack("stack", "check", "--wait", stack.name)
    assert stack.status() == "CHECK_COMPLETE"
    stack.delete()


def test_snapshot_brings_the_volume_back_as_it_was(stack: Stack, member: Session) -> None:
    before = stack.create()
    stack.openstack("stack", "snapshot", "create", "--name", "first", stack.name)
    wait_until(lambda: stack.status() == "SNAPSHOT_COMPLETE", "the snapshot is taken")
    (snapshot,) = stack.openstack.json("stack", "snapshot", "list", stack.name)
    assert (snapshot["name"], snapshot["status"]) == ("first", "COMPLETE")
    (backup,) = backups(member, before["volume"])
    assert backup["status"] == "available"
    images = [each for each in own(member, stack) if each.startswith("images ")]

    assert stack.update(note="second") == before
    assert stack.real()["volume"]["metadata"] == {"note": "second"}
    stack.openstack("stack", "snapshot", "restore", stack.name, snapshot["id"])
    wait_until(lambda: stack.status() in ("RESTORE_COMPLETE", "RESTORE_FAILED"), "the stack is restored")

    assert stack.status() == "RESTORE_COMPLETE"
    assert stack.objects() == before, "the backup is brought into the volume that there is"
    real = stack.real()
    assert (real["volume"]["description"], real["volume"]["metadata"]) == ("first", {"note": "first"})
    assert member.json("GET", "volume", f"/backups/{backup['id']}")["backup"]["status"] == "available"
    assert (real["server"]["status"], real["server"]["metadata"]) == ("ACTIVE", {"note": "first"})
    assert real["server"]["image"]["id"] in json.dumps(images)

    stack.openstack("stack", "snapshot", "delete", "--yes", stack.name, snapshot["id"])
    wait_until(lambda: backups(member, before["volume"]) == [], "the backup is gone")
    stack.delete()


def test_deleted_stack_takes_its_snapshots_along(stack: Stack, member: Session) -> None:
    before = stack.create()
    stack.openstack("stack", "snapshot", "create", "--name", "first", stack.name)
    wait_until(lambda: stack.status() == "SNAPSHOT_COMPLETE", "the snapshot is taken")
    assert len(backups(member, before["volume"])) == 1
    stack.delete()


def test_abandoned_stack_is_adopted_with_all_its_objects_and_nothing_is_made(
    stack: Stack, member: Session, tmp_path: Path
) -> None:
    before = stack.create(note="kept")
    belongings = own(member, stack)
    data = tmp_path / "abandoned.json"

    stack.openstack("stack", "abandon", "--output-file", str(data), stack.name)
    wait_until(lambda: not stack.exists(), "the stack is gone")
    assert own(member, stack) == belongings
    stack.openstack("stack", "adopt", "--wait", "--adopt-file", str(data), stack.name)

    assert stack.status() == "ADOPT_COMPLETE"
    assert stack.objects() == before
    assert own(member, stack) == belongings
    assert stack.output("address") == "10.56.0.77"
    assert stack.update(note="kept") == before
    assert stack.update(note="changed") == before
    assert stack.real()["server"]["metadata"] == {"note": "changed"}
    assert own(member, stack) == belongings
    stack.delete()


def test_adoption_of_a_port_that_is_gone_fails_and_the_next_update_makes_it(
    stack: Stack, member: Session, tmp_path: Path
) -> None:
    before = stack.create()
    data = tmp_path / "abandoned.json"
    stack.openstack("stack", "abandon", "--output-file", str(data), stack.name)
    wait_until(lambda: not stack.exists(), "the stack is gone")
    stack.openstack("port", "delete", before["spare"])

    stack.openstack("stack", "adopt", "--adopt-file", str(data), stack.name)
    wait_until(lambda: stack.status() == "ADOPT_FAILED", "the adoption fails")

    assert {name for name, state in stack.states().items() if state == "ADOPT_FAILED"} == {"spare"}
    after = stack.update()
    assert {name for name in before if after[name] != before[name]} == {"spare"}
    stack.delete()


@pytest.fixture
def rolling(stack_of: StackOf, member: Session) -> Iterator[Stack]:
    with leaving_nothing(stack_of("rolling"), member) as made:
        yield made


def test_rolling_update_keeps_as_many_servers_in_service_as_it_must(rolling: Stack, member: Session) -> None:
    stack = rolling
    stack.create()
    old = set(stack.outputs()["members"].values())
    at_work: list[set[str]] = []

    stack.begin_update(script="two")
    end = time.monotonic() + LONGEST
    while stack.status() == "UPDATE_IN_PROGRESS" or not at_work:
        assert time.monotonic() < end
        for _ in range(4):
            found = member.json("GET", "compute", f"/servers?status=ACTIVE&name={stack.name}")["servers"]
            at_work.append({each["id"] for each in found})
            time.sleep(0.5)

    assert stack.status() == "UPDATE_COMPLETE"
    new = set(stack.outputs()["members"].values())
    assert len(new) == 3
    assert not new & old
    assert min(map(len, at_work)) >= 2
    assert any(each & old and each - old for each in at_work), "old and new ones served together"
    stack.delete()


def test_server_that_is_marked_unhealthy_is_replaced_by_the_next_update(
    stack: Stack, member: Session
) -> None:
    before = stack.create()
    mark = ("stack", "resource", "mark", "unhealthy")
    stack.openstack(*mark, stack.name, "server", "the disk is full")
    assert stack.states()["server"] == "CHECK_FAILED"
    shown = stack.openstack.json("stack", "resource", "show", stack.name, "server")
    assert shown["resource_status_reason"] == "the disk is full"
    stack.openstack(*mark, "--reset", stack.name, "server")
    assert stack.states()["server"] == "CHECK_COMPLETE"
    assert stack.update() == before

    stack.openstack(*mark, stack.name, before["server"])
    after = stack.update()

    assert {name for name in before if after[name] != before[name]} == {"server"}
    assert stack.real()["port"]["device_id"] == after["server"]
    assert stack.is_gone(f"server={before['server']}")
    stack.delete()
