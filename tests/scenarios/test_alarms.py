"""Alarms that scale groups, and alarms whose service acts for the stack's user, on the dev cloud."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest_asyncio

from stackd.db.journal import Change, Update
from stackd.records import Status
from tests.scenarios.reached import Reached, reached
from tests.support.engine import world
from tests.support.templates import hot
from tests.support.waiting import until

COOLDOWN = 60


class Cloud(Reached):
    """A world whose alarms reach stackd."""

    async def alarm(self, path: str, name: str = "busy") -> Any:
        """An alarm of a stack, as the service shows it."""
        row = (await self.api.get(f"{path}/resources/{name}"))["resource"]
        return await self._alarming("GET", row["physical_resource_id"])

    async def set_state(self, alarm: Any, state: str) -> None:
        assert await self._alarming("PUT", f"{alarm['alarm_id']}/state", state) == state

    async def _alarming(self, method: str, path: str, body: Any = None) -> Any:
        answer = await self.ask(method, f"/alarming/v2/alarms/{path}", body)
        assert answer.status_code == 200, answer.text
        return answer.json()


@pytest_asyncio.fixture
async def cloud(tmp_path: Path) -> AsyncIterator[Cloud]:
    async with reached(tmp_path, Cloud) as found:
        yield found


def scaled(**alarm: Any) -> dict[str, Any]:
    """A group that an alarm makes larger and smaller."""
    policy = {"auto_scaling_group_id": {"get_resource": "group"}, "adjustment_type": "change_in_capacity"}
    rule = {
        "metric": "cpu", "resource_type": "instance", "aggregation_method": "mean", "granularity": 60,
        "query": {
            "str_replace": {
                "template": '{"=": {"server_group": "stack"}}',
                "params": {"stack": {"get_param": "OS::stack_id"}},
            }
        },
        "comparison_operator": "gt", "threshold": 80,
    }  # fmt: skip
    properties = {
        **rule,
        "alarm_actions": [{"get_attr": ["up", "alarm_url"]}],
        "ok_actions": ["down"],
        **alarm,
    }
    template = hot(
        {
            "group": {
                "type": "OS::Heat::AutoScalingGroup",
                "properties": {"min_size": 1, "max_size": 5, "resource": {"type": "OS::Heat::RandomString"}},
            },
            "up": {
                "type": "OS::Heat::ScalingPolicy",
                "properties": {**policy, "scaling_adjustment": 2, "cooldown": COOLDOWN},
            },
            "down": {"type": "OS::Heat::ScalingPolicy", "properties": {**policy, "scaling_adjustment": -2}},
            "busy": {"type": "OS::Aodh::GnocchiAggregationByResourcesAlarm", "properties": properties},
        }
    )
    outputs = {"size": ["group", "current_size"], "state": ["busy", "show", "state"]}
    return template | {"outputs": {name: {"value": {"get_attr": path}} for name, path in outputs.items()}}


async def test_an_alarm_scales_a_group_with_cooldown_and_nothing_scales_twice(cloud: Cloud) -> None:
    api = cloud.api
    path = await api.create("web", scaled())
    assert (await api.settled(path))["stack_status"] == "CREATE_COMPLETE"
    alarm = await cloud.alarm(path)
    rule = alarm["gnocchi_aggregation_by_resources_threshold_rule"]
    assert path.rpartition("/")[2] in rule["query"]

    await cloud.set_state(alarm, "alarm")
    assert await cloud.size(path) == 3
    await asyncio.gather(*(cloud.set_state(alarm, "alarm") for _ in range(3)))  # as it repeats its actions
    assert await cloud.size(path) == 3
    assert len(cloud.called) == 4

    await asyncio.sleep(COOLDOWN + 1)
    await cloud.set_state(alarm, "ok")
    assert await cloud.size(path) == 1
    events = (await api.get(f"{path}/events"))["events"]
    told = [each for each in reversed(events) if each["resource_status"].startswith("SIGNAL")]
    assert [each["resource_name"] for each in told] == ["up", "down"]
    assert told[0]["resource_status_reason"].startswith("alarm state changed from insufficient data to alarm")


async def test_a_suspended_stack_has_alarms_that_call_nobody(cloud: Cloud) -> None:
    api = cloud.api
    path = await api.create("web", scaled(repeat_actions=False))
    await cloud.set_state(await cloud.alarm(path), "alarm")
    assert await cloud.size(path) == 3
    for action, enabled in (("suspend", False), ("resume", True)):
        assert (await api.call("POST", f"{path}/actions", {action: None})).status_code == 200
        assert (await api.settled(path))["stack_status"] == f"{action.upper()}_COMPLETE"
        alarm = await cloud.alarm(path)
        assert (alarm["enabled"], alarm["state"]) == (enabled, "alarm")
    assert (await api.call("POST", f"{path}/actions", {"check": None})).status_code == 200
    assert (await api.settled(path))["stack_status"] == "CHECK_COMPLETE"


async def test_an_updated_alarm_stays_the_same_and_one_with_other_times_is_replaced(cloud: Cloud) -> None:
    api = cloud.api
    path = await api.create("web", scaled())
    before = await cloud.alarm(path)
    await cloud.set_state(before, "alarm")
    for change, stays in (
        ({"threshold": 90, "enabled": False}, True),
        ({"time_constraints": [NIGHT]}, False),
    ):
        answer = await api.call("PUT", path, {"template": scaled(**change)})
        assert answer.status_code == 202, answer.text
        assert (await api.settled(path))["stack_status"] == "UPDATE_COMPLETE"
        after = await cloud.alarm(path)
        assert (after["alarm_id"] == before["alarm_id"]) is stays
        assert (after["state"] == "alarm") is stays
    assert len(cloud.made.objects("alarms")) == 1
    await cloud.set_state(after, "ok")

    async def is_shown() -> bool:
        return bool(await cloud.output(path, "state") == "ok")

    await until(is_shown)
    assert (await api.call("DELETE", path)).status_code == 204
    await until(lambda: "alarms" not in cloud.made.counts())


NIGHT = {"name": "night", "start": "0 23 * * *", "duration": 3600, "timezone": "Europe/Berlin"}


async def test_a_service_may_act_for_the_user_although_the_stack_acts_by_a_trust(cloud: Cloud) -> None:
    """Stacks come one after the other, so that the trust of the stacks stands when the second is made."""
    api = cloud.api
    actions = {"alarm_actions": [{"list_join": ["", ["trust+", {"get_attr": ["up", "signal_url"]}]]}]}
    for name in ("first", "second"):
        path = await api.create(name, scaled(**actions, alarm_queues=[f"{name}-news"]))
        stack = await api.settled(path)
        assert stack["stack_status"] == "CREATE_COMPLETE", stack["stack_status_reason"]
        await asyncio.sleep(1)
    await cloud.set_state(await cloud.alarm(path), "alarm")
    assert await cloud.size(path) == 3
    messages = [each["body"] for each in cloud.made.objects("messages")]
    assert [each["current"] for each in messages] == ["alarm"]


async def test_an_action_that_is_neither_a_url_nor_a_resource_is_refused_at_once(cloud: Cloud) -> None:
    body = {"stack_name": "web", "template": scaled(ok_actions=["dwon"])}
    status, kind, message = await cloud.api.refused("POST", "/stacks", body)
    assert (status, kind) == (400, "StackValidationFailed")
    assert "resources.busy.properties.ok_actions[0]" in message
    assert '"dwon" is neither a URL nor the name of a resource' in message


async def test_alarms_by_their_names_of_ceilometer_are_those_of_aodh(cloud: Cloud) -> None:
    template = scaled()
    template["resources"]["busy"]["type"] = "OS::Ceilometer::GnocchiAggregationByResourcesAlarm"
    path = await cloud.api.create("web", template)
    assert (await cloud.api.settled(path))["stack_status"] == "CREATE_COMPLETE"
    alarm = await cloud.alarm(path)
    assert alarm["type"] == "gnocchi_aggregation_by_resources_threshold"
    assert (await cloud.api.call("PUT", path, {"template": scaled()})).status_code == 202
    assert (await cloud.api.settled(path))["stack_status"] == "UPDATE_COMPLETE"
    assert (await cloud.alarm(path))["alarm_id"] == alarm["alarm_id"]


async def test_an_alarm_whose_id_was_lost_with_the_process_is_found_again(tmp_path: Path) -> None:
    """Also one with an action that needs a token of the user, which is lost, too."""
    alarm = {"type": "OS::Aodh::EventAlarm", "properties": {"alarm_queues": ["news"]}}

    def has_id(change: Change) -> bool:
        return isinstance(change, Update) and change.values.get("physical_id") is not None

    async with world(tmp_path) as made:
        async with made.process(dies_on=has_id) as first:
            stack = await first.create("s", hot({"alarm": alarm}))
            await first.journal.died.wait()
            [known] = made.objects("alarms")
        async with made.process() as second:
            stack = await second.done(stack)
            assert stack.status is Status.COMPLETE, stack.reason
            assert (await second.rows(stack))["alarm"].physical_id == known["alarm_id"]
        assert len(made.objects("alarms")) == 1


async def test_an_alarm_that_is_gone_is_made_again(cloud: Cloud) -> None:
    path = await cloud.api.create("web", scaled())
    before = await cloud.alarm(path)
    [entity] = cloud.made.cloud.store.all("alarming.alarms")
    cloud.made.cloud.store.remove(entity)
    plan = await cloud.api.call("PUT", f"{path}/preview", {"template": scaled(), "converge": True})
    assert [each["resource_name"] for each in plan.json()["resource_changes"]["replaced"]] == ["busy"]
    assert (await cloud.api.call("PUT", path, {"template": scaled(), "converge": True})).status_code == 202
    assert (await cloud.api.settled(path))["stack_status"] == "UPDATE_COMPLETE"
    assert (await cloud.alarm(path))["alarm_id"] != before["alarm_id"]
