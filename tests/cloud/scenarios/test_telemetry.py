"""Alarms of a real Aodh on metrics in a real Gnocchi."""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.cloud.scenarios.client import CommandFailed
from tests.cloud.scenarios.pool import Pool, pool_of
from tests.cloud.scenarios.session import Session
from tests.cloud.scenarios.stack import Stack, StackOf, wait_until

pytestmark = [pytest.mark.cloud, pytest.mark.long]

GRANULARITY = 5
COOLDOWN = 25


class Metric:
    """A metric of a resource in Gnocchi that is measured every second."""

    def __init__(self, owner: Session) -> None:
        self._owner = owner
        self.resource = secrets.token_hex(16)
        self.value = 10.0
        self._end = threading.Event()
        policy = f"every-{GRANULARITY}s"
        _make_policy(policy)
        body = {"id": self.resource, "metrics": {"load": {"archive_policy_name": policy}}}
        made = owner.json("POST", "metrics", "/v1/resource/generic", json=body)
        self._path = f"/v1/metric/{made['metrics']['load']}/measures"

    def measure(self) -> None:
        """Until the end."""
        while not self._end.wait(1.0):
            measure = {"timestamp": datetime.now(UTC).isoformat(), "value": self.value}
            self._owner.json("POST", "metrics", self._path, json=[measure])

    def end(self) -> None:
        self._end.set()


def _make_policy(name: str) -> None:
    """An archive policy fine enough for an alarm that is evaluated every few seconds."""
    admin = Session("admin", "secret", "admin")
    policies = admin.json("GET", "metrics", "/v1/archive_policy")
    if name not in {each["name"] for each in policies}:
        definition = [{"granularity": GRANULARITY, "points": 720}]
        body = {"name": name, "definition": definition, "aggregation_methods": ["mean"]}
        admin.json("POST", "metrics", "/v1/archive_policy", json=body)


@contextmanager
def measured(owner: Session) -> Iterator[Metric]:
    metric = Metric(owner)
    thread = threading.Thread(target=metric.measure, daemon=True)
    thread.start()
    try:
        yield metric
    finally:
        metric.end()
        thread.join()
        owner.json("DELETE", "metrics", f"/v1/resource/generic/{metric.resource}")


@pytest.fixture
def load(member: Session) -> Iterator[Metric]:
    with measured(member) as metric:
        yield metric


@pytest.fixture
def pool(member: Session) -> Iterator[Pool]:
    with pool_of(member, f"web-{secrets.token_hex(3)}") as made:
        yield made


def alarms(member: Session) -> dict[str, Any]:
    """The alarms of the project, by id."""
    return {each["alarm_id"]: each for each in member.json("GET", "alarms", "/v2/alarms")}


def trusts_of_service(member: Session) -> set[str]:
    """The trusts that the alarming service has from the user."""
    admin = Session("admin", "secret", "admin")
    [aodh] = admin.json("GET", "identity", "/users?name=aodh")["users"]
    return {each["id"] for each in member.trusts() if each["trustee_user_id"] == aodh["id"]}


def news(member: Session, queue: str) -> list[str]:
    """The states in the messages of a queue, which are taken out of it."""
    path = f"/queues/{queue}/messages?pop=20"
    found = member.json("DELETE", "queues", path)["messages"]
    return [each["body"]["current"] for each in found]


def signals(stack: Stack) -> list[tuple[str, datetime]]:
    """The signals that had an effect, and when."""
    rows = stack.openstack.json("stack", "event", "list", stack.name)
    done = [each for each in rows if each["resource_status"] == "SIGNAL_COMPLETE"]
    return [(each["resource_name"], datetime.fromisoformat(each["event_time"])) for each in done]


def test_alarms_on_a_metric_scale_a_group_up_and_down_with_cooldown(
    stack_of: StackOf, member: Session, load: Metric
) -> None:
    before = alarms(member)
    stack = stack_of("telemetry")
    given = {"resource": load.resource, "cooldown": str(COOLDOWN), "queue": stack.name}
    made = stack.create(**given)
    alarm = alarms(member)[made["busy"]]
    assert alarm["gnocchi_resources_threshold_rule"]["resource_id"].replace("-", "") == load.resource
    wait_until(lambda: stack.outputs()["state"] == "ok", "the alarm is evaluated")
    assert stack.outputs()["size"] == 1

    load.value = 95.0
    wait_until(lambda: stack.outputs()["size"] == 3, "the group has three members")
    # The alarm calls again and again while its state lasts; the cooldown keeps that from having an effect.
    (first, grown), (second, grown_again) = signals(stack)
    assert (first, second) == ("up", "up")
    assert (grown_again - grown).total_seconds() >= COOLDOWN - 1

    time.sleep(COOLDOWN)  # the other alarm calls once only
    news(member, stack.name)
    load.value = 10.0
    wait_until(lambda: stack.outputs()["size"] == 1, "the group has one member")
    assert [name for name, _ in signals(stack)] == ["up", "up", "down"]
    assert set(news(member, stack.name)) == {"alarm"}

    kept = stack.update(**given, threshold="5")
    assert kept["busy"] == made["busy"]
    wait_until(lambda: stack.outputs()["size"] > 1, "the lower threshold makes the group grow")

    stack.openstack("stack", "suspend", "--wait", stack.name)
    assert alarms(member)[made["busy"]]["enabled"] is False
    stack.openstack("stack", "resume", "--wait", stack.name)
    assert alarms(member)[made["busy"]]["enabled"] is True
    stack.openstack("stack", "check", "--wait", stack.name)
    assert stack.states()["busy"] == "CHECK_COMPLETE"
    assert len(trusts_of_service(member)) == 1
    stack.delete()
    assert alarms(member) == before
    assert trusts_of_service(member) == set()
    member.json("DELETE", "queues", f"/queues/{stack.name}")


def test_every_kind_of_alarm_is_made_changed_in_place_and_found_missing(
    stack_of: StackOf, member: Session, load: Metric, pool: Pool
) -> None:
    before = alarms(member)
    stack = stack_of("alarms")
    given = {"resource": load.resource, "pool": pool.name}
    made = stack.create(**given)
    found = alarms(member)
    ids = {name: made[name] for name in made if name != "former"}
    types = {name: found[alarm]["type"] for name, alarm in ids.items()}
    assert types == {
        "by_metrics": "gnocchi_aggregation_by_metrics_threshold",
        "by_resources": "gnocchi_aggregation_by_resources_threshold",
        "event": "event",
        "composite": "composite",
        "prometheus": "prometheus",
        "members": "loadbalancer_member_health",
    }
    assert found[ids["members"]]["loadbalancer_member_health_rule"]["pool_id"] == pool.id
    kept = stack.update(**given, text="second")
    assert {name: kept[name] for name in ids} == ids
    found = alarms(member)
    assert {found[alarm]["description"] for alarm in ids.values()} == {"second"}
    assert found[ids["prometheus"]]["enabled"] is False

    member.json("DELETE", "alarms", f"/v2/alarms/{ids['event']}")
    with pytest.raises(CommandFailed, match=f"Alarm {ids['event']} not found"):
        stack.openstack("stack", "check", "--wait", stack.name)
    states = stack.states()
    assert states["event"] == "CHECK_FAILED"
    assert {states[name] for name in ids if name != "event"} == {"CHECK_COMPLETE"}
    mended = stack.update(**given, text="second")
    assert mended["event"] != ids["event"]
    stack.delete()
    assert alarms(member) == before
    assert trusts_of_service(member) == set()


def test_a_member_of_a_pool_that_does_not_answer_is_replaced_by_the_service(
    stack_of: StackOf, member: Session, pool: Pool
) -> None:
    stack = stack_of("healing")
    made = stack.create(pool=pool.name, member=pool.member)
    alarm = alarms(member)[made["broken"]]
    assert alarm["loadbalancer_member_health_rule"]["stack_id"] == stack.id()
    [first] = stack.outputs()["refs"]

    pool.set_status("ERROR")
    wait_until(lambda: stack.outputs()["refs"] != [first], "another member is in its place")
    pool.set_status("ONLINE")
    wait_until(lambda: stack.status() == "UPDATE_COMPLETE", "the stack is healed")
    assert len(stack.outputs()["refs"]) == 1
    wait_until(lambda: alarms(member)[made["broken"]]["state"] == "ok", "the alarm is over")
    stack.delete()
