"""A group of real servers that signed URLs resize, and that changes its members one by one."""

from __future__ import annotations

import time

import httpx
import pytest

from tests.cloud.scenarios.session import Session
from tests.cloud.scenarios.stack import StackOf, wait_until

pytestmark = [pytest.mark.cloud, pytest.mark.long]

COOLDOWN = 20


def servers(session: Session) -> dict[str, str]:
    """The note of each server of the project, by its id."""
    found = session.json("GET", "compute", "/servers/detail")["servers"]
    return {each["id"]: each["metadata"].get("note", "") for each in found}


def test_signed_urls_scale_real_servers_with_cooldown_and_updates_roll_over_them(
    stack_of: StackOf, member: Session
) -> None:
    before = member.belongings()
    stack = stack_of("scaling")
    stack.create(cooldown=str(COOLDOWN))
    up, down = stack.output("up"), stack.output("down")
    (first,) = servers(member)

    assert httpx.post(up).status_code == 200
    wait_until(lambda: stack.outputs()["size"] == 3, "the group has three members")
    ended = time.monotonic()
    assert set(stack.outputs()["servers"]) == servers(member).keys()
    assert first in servers(member)
    assert stack.status() == "CREATE_COMPLETE"

    assert httpx.post(down).status_code == 200
    time.sleep(3)
    assert len(servers(member)) == 3, "a signal during the cooldown was not ignored"

    time.sleep(max(0.0, COOLDOWN - (time.monotonic() - ended)) + 1)
    assert httpx.post(down).status_code == 200
    wait_until(lambda: stack.outputs()["size"] == 1, "the group has one member")
    assert first not in servers(member)
    assert stack.outputs()["servers"] == list(servers(member))

    assert httpx.post(up.replace("Signature=", "Signature=x")).status_code == 403
    assert httpx.post(up).status_code == 200
    wait_until(lambda: stack.outputs()["size"] == 3, "the group has three members again")
    kept = set(servers(member))
    stack.update(note="second")
    assert set(servers(member)) == kept
    assert set(servers(member).values()) == {"second"}
    told = [name for name, state in stack.events() if state == "SIGNAL_COMPLETE"]
    assert told == ["up", "down", "up"]

    stack.delete()
    assert httpx.post(up).status_code == 403
    assert member.belongings() - before == set()
