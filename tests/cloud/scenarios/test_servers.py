"""Servers that somebody deletes or stops, and updates of them that are cancelled, on the real services."""

from __future__ import annotations

import pytest

from tests.cloud.scenarios.stack import Stack, StackOf, wait_until

pytestmark = [pytest.mark.cloud, pytest.mark.long]

LONG = "60"
"""Seconds that an update takes which is to be cancelled."""


def holder(stack: Stack) -> str:
    """The device that has the port."""
    return str(stack.openstack.json("port", "show", stack.real()["port"]["id"])["device_id"])


def server_status(stack: Stack, server: str) -> str:
    return str(stack.openstack.json("server", "show", server)["status"])


def cancel(stack: Stack, *words: str) -> None:
    """Cancel the update and wait until the stack is at rest."""
    stack.openstack("stack", "cancel", *words, stack.name)
    wait_until(lambda: not stack.status().endswith("_IN_PROGRESS"), "the stack is at rest")


def test_server_that_somebody_deleted_is_replaced_by_the_first_update(stack_of: StackOf) -> None:
    stack = stack_of("servers")
    before = stack.create()
    stack.openstack("server", "delete", "--wait", before["server"])
    after = stack.update(script="two")
    assert after["server"] != before["server"]
    assert holder(stack) == after["server"]

    stack.openstack("server", "delete", "--wait", after["server"])
    stack.openstack("stack", "resource", "mark", "unhealthy", stack.name, "server")
    last = stack.update(script="two")
    assert last["server"] != after["server"]
    assert holder(stack) == last["server"]
    stack.delete()


def test_update_that_is_cancelled_gives_the_port_back(stack_of: StackOf) -> None:
    stack = stack_of("servers")
    before = stack.create()
    stack.begin_update(script="two", seconds=LONG)
    wait_until(lambda: holder(stack) != before["server"], "the port has left the server")
    cancel(stack)
    assert stack.status() == "ROLLBACK_COMPLETE"
    assert stack.objects() == before
    assert holder(stack) == before["server"]
    stack.delete()


def test_stopped_server_is_resized_and_stays_stopped(stack_of: StackOf) -> None:
    stack = stack_of("servers")
    before = stack.create()
    stack.openstack("server", "stop", before["server"])
    wait_until(lambda: server_status(stack, before["server"]) == "SHUTOFF", "the server is stopped")
    assert stack.update(flavor="m1.tiny") == before
    assert server_status(stack, before["server"]) == "SHUTOFF"
    stack.delete()


def test_update_that_is_cancelled_without_a_rollback_leaves_nothing_in_progress(stack_of: StackOf) -> None:
    stack = stack_of("servers")
    before = stack.create()
    stack.begin_update(script="two", seconds=LONG)
    wait_until(lambda: stack.states()["late"] == "UPDATE_IN_PROGRESS", "the last resource is waited for")
    cancel(stack, "--no-rollback")
    assert stack.status() == "UPDATE_FAILED"
    wait_until(lambda: not any(each.endswith("_IN_PROGRESS") for each in stack.states().values()), "all end")
    assert stack.states()["late"] == "UPDATE_FAILED"

    after = stack.update(script="three", seconds="0")
    assert after["server"] != before["server"]
    assert holder(stack) == after["server"]
    stack.delete()


def test_create_that_was_cancelled_is_taken_up_again_with_an_event(stack_of: StackOf) -> None:
    stack = stack_of("servers")
    words = ("-t", str(stack.template), "--parameter", f"seconds={LONG}", stack.name)
    stack.openstack("stack", "create", *words)
    wait_until(
        lambda: stack.states().get("server", "INIT_COMPLETE") != "INIT_COMPLETE", "the server is begun"
    )
    cancel(stack, "--no-rollback")
    wait_until(lambda: not any(each.endswith("_IN_PROGRESS") for each in stack.states().values()), "all end")
    failed = [name for name, state in stack.states().items() if state.endswith("_FAILED")]
    told = len(stack.events())
    stack.update(seconds="0")
    began = {name for name, state in stack.events()[told:] if state.endswith("_IN_PROGRESS")}
    assert set(failed) <= began
    stack.delete()
