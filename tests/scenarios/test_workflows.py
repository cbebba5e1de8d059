"""Workflows and queues of stacks that reach each other, on the dev cloud."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from stackd.db.journal import Change, Update
from stackd.devcloud.delivery import Delivery
from stackd.records import Status
from tests.scenarios.reached import Reached, reached
from tests.support.engine import World, world
from tests.support.templates import hot
from tests.support.waiting import until

CLIENT = {"Client-ID": "5f5a8c3e-0000-4000-8000-000000000001"}
GROUP = {
    "type": "OS::Heat::AutoScalingGroup",
    "properties": {"min_size": 1, "max_size": 5, "resource": {"type": "OS::Heat::RandomString"}},
}
UP = {
    "type": "OS::Heat::ScalingPolicy",
    "properties": {
        "auto_scaling_group_id": {"get_resource": "group"},
        "adjustment_type": "change_in_capacity",
        "scaling_adjustment": 1,
    },
}
QUEUE = {"type": "OS::Zaqar::Queue", "properties": {"metadata": {"for": "news"}}}


def workflow(*tasks: dict[str, Any], **properties: Any) -> dict[str, Any]:
    return {
        "type": "OS::Mistral::Workflow",
        "properties": {"type": "direct", "tasks": list(tasks), **properties},
    }


def echo(value: Any, **more: Any) -> dict[str, Any]:
    return {"name": "say", "action": "std.echo", "input": {"output": value}, **more}


class Cloud(Reached):
    """A world with stacks of workflows and queues."""

    async def stack(self, outputs: dict[str, list[str]] | None = None, **resources: Any) -> str:
        """A new stack; its path."""
        path = await self.api.create("s", stacked(outputs, **resources))
        await self.ended(path, "CREATE_COMPLETE")
        return path

    async def update(self, path: str, outputs: dict[str, list[str]] | None = None, **resources: Any) -> None:
        answer = await self.api.call("PUT", path, {"template": stacked(outputs, **resources)})
        assert answer.status_code == 202, answer.text
        await self.ended(path, "UPDATE_COMPLETE")

    async def act(self, path: str, action: str) -> None:
        assert (await self.api.call("POST", f"{path}/actions", {action: None})).status_code == 200
        await self.ended(path, f"{action.upper()}_COMPLETE")

    async def ended(self, path: str, status: str) -> None:
        found = await self.api.settled(path)
        assert found["stack_status"] == status, found["stack_status_reason"]

    async def delete(self, path: str) -> None:
        """Delete a stack, of which nothing is left then."""
        assert (await self.api.call("DELETE", path)).status_code == 204
        kinds = {"workflows", "executions", "cron_triggers", "queues", "subscriptions"}
        await until(lambda: not kinds & self.made.counts().keys())

    async def post(self, queue: str, body: Any) -> None:
        """Put a message into a queue."""
        messages = {"messages": [{"body": body, "ttl": 60}]}
        answer = await self.ask("POST", f"/messaging/v2/queues/{queue}/messages", messages, headers=CLIENT)
        assert answer.status_code == 201, answer.text

    async def signal(self, url: str, body: Any = None) -> int:
        """Send to a signed URL, without a token, what somebody outside would."""
        answer = await self.made.cloud.send_out(Delivery(url, body or {}))
        assert answer is not None
        return answer.status

    def executions(self) -> list[Any]:
        return self.made.objects("executions")


def stacked(outputs: dict[str, list[str]] | None, **resources: Any) -> dict[str, Any]:
    shown = {name: {"value": {"get_attr": path}} for name, path in (outputs or {}).items()}
    return hot(resources) | {"outputs": shown}


@pytest_asyncio.fixture
async def cloud(tmp_path: Path) -> AsyncIterator[Cloud]:
    async with reached(tmp_path, Cloud) as found:
        yield found


SIZE = {"size": ["group", "current_size"]}


@pytest.mark.parametrize("subscriber", ["alarm_url", "signal_url"])
async def test_a_message_scales_a_group(cloud: Cloud, subscriber: str) -> None:
    url: Any = {"get_attr": ["up", subscriber]}
    if subscriber == "signal_url":
        url = {"list_join": ["", ["trust+", url]]}
    hook = {
        "type": "OS::Zaqar::Subscription",
        "properties": {"queue_name": {"get_resource": "news"}, "subscriber": url},
    }
    path = await cloud.stack(SIZE, group=GROUP, up=UP, news=QUEUE, hook=hook)
    [queue] = cloud.made.objects("queues")
    await cloud.post(queue["name"], {"load": "high"})
    assert await cloud.size(path) == 2
    await cloud.delete(path)


async def test_a_signalled_workflow_scales_a_group(cloud: Cloud) -> None:
    call = {
        "name": "call", "action": "std.http",
        "input": {"url": {"get_attr": ["up", "alarm_url"]}, "method": "POST", "body": "<% $.why %>"},
        "publish": {"status": "<% task(call).result.status %>"},
    }  # fmt: skip
    loop = workflow(call, input={"why": {}}, output={"status": "<% $.status %>"})
    outputs = {
        **SIZE,
        "url": ["loop", "alarm_url"],
        "executions": ["loop", "executions"],
        "data": ["loop", "data"],
    }
    path = await cloud.stack(outputs, group=GROUP, up=UP, loop=loop)
    name = (await cloud.output(path, "data"))["name"]
    url = await cloud.output(path, "url")
    assert await cloud.signal(url, {"input": {"why": {"a": 1}}}) == 200
    await asyncio.sleep(5)
    assert [each["state"] for each in cloud.executions()] == ["SUCCESS"], cloud.executions()
    assert await cloud.size(path) == 2

    async def is_shown() -> bool:
        shown = await cloud.output(path, "executions")
        return bool([(each["workflow_name"], each["output"]) for each in shown] == [(name, {"status": 200})])

    await until(is_shown)
    await cloud.act(path, "suspend")
    answer = await cloud.api.call("POST", f"{path}/resources/loop/signal", {})
    assert answer.status_code == 400
    await cloud.act(path, "resume")
    refused = await cloud.api.call("POST", f"{path}/resources/loop/signal", {"input": {"odd": 1}})
    assert (refused.status_code, "has no input odd" in refused.text) == (400, True)
    await cloud.delete(path)


async def test_a_workflow_changes_in_place_and_is_not_replaced_for_a_failed_check(cloud: Cloud) -> None:
    outputs = {"data": ["w", "data"], "url": ["w", "alarm_url"]}
    path = await cloud.stack(outputs, w=workflow(echo(1), name="w"))
    url = await cloud.output(path, "url")
    await cloud.update(path, outputs, w=workflow(echo(2), name="w", input={"x": 1}, description="new"))
    assert await cloud.output(path, "data") == {"name": "w", "input": {"x": 1}}
    marked = await cloud.api.call(
        "PATCH", f"{path}/resources/w", {"mark_unhealthy": True, "resource_status_reason": "odd"}
    )
    assert marked.status_code == 200, marked.text
    [before] = cloud.made.objects("workflows")
    await cloud.update(path, outputs, w=workflow(echo(3), name="w"))
    [after] = cloud.made.objects("workflows")
    assert (after["id"], await cloud.output(path, "url")) == (before["id"], url)
    assert "output: 3" in after["definition"]
    await cloud.update(path, w=workflow(echo(3), name="v"))
    assert [each["name"] for each in cloud.made.objects("workflows")] == ["v"]
    await cloud.delete(path)


async def test_each_message_executes_a_workflow(cloud: Cloud) -> None:
    said = workflow(
        echo("<% env().notification.body %> <% $.x %>", publish={"said": "<% task(say).result %>"}),
        input={"x": None}, output={"said": "<% $.said %>"},
    )  # fmt: skip
    trigger = {
        "type": "OS::Zaqar::MistralTrigger",
        "properties": {
            "queue_name": {"get_resource": "news"}, "workflow_id": {"get_resource": "w"}, "input": {"x": "!"},
        },
    }  # fmt: skip
    path = await cloud.stack(news=QUEUE, w=said, trigger=trigger)
    [queue] = cloud.made.objects("queues")
    await cloud.post(queue["name"], "hello")
    [execution] = cloud.executions()
    assert (execution["state"], execution["output"]) == ("SUCCESS", '{"said":"hello !"}')
    trigger["properties"]["input"] = {"x": "?"}  # type: ignore[index]
    await cloud.update(path, news=QUEUE, w=said, trigger=trigger)
    await cloud.post(queue["name"], "you")
    assert cloud.executions()[-1]["output"] == '{"said":"you ?"}'
    await cloud.ask("DELETE", f"/workflow/v2/executions/{execution['id']}")
    await cloud.ask("DELETE", f"/workflow/v2/executions/{cloud.executions()[-1]['id']}")
    await cloud.delete(path)


async def test_a_trigger_fires_and_is_replaced_under_its_name(cloud: Cloud) -> None:
    def cron(pattern: str) -> dict[str, Any]:
        named = {"name": {"get_resource": "w"}}
        return {
            "type": "OS::Mistral::CronTrigger",
            "properties": {"name": "t", "pattern": pattern, "workflow": named, "count": 3},
        }

    shown = {"left": ["t", "remaining_executions"], "next": ["t", "next_execution_time"]}
    path = await cloud.stack(shown, w=workflow(echo(1)), t=cron("* * * * *"))
    assert await cloud.output(path, "left") == 3
    await asyncio.sleep(65)
    runs = len(cloud.executions())
    assert runs in (1, 2)  # by the second of the minute in which the test begins
    assert await cloud.output(path, "left") == 3 - runs
    await cloud.update(path, shown, w=workflow(echo(1)), t=cron("0 0 1 1 *"))
    [trigger] = cloud.made.objects("cron_triggers")
    assert (trigger["name"], trigger["pattern"]) == ("t", "0 0 1 1 *")
    for each in cloud.executions():
        await cloud.ask("DELETE", f"/workflow/v2/executions/{each['id']}")
    await cloud.delete(path)
    assert [each for each in cloud.made.objects("trusts") if "mistral" in str(each)] == []


async def test_the_holder_of_a_signed_url_uses_the_queue(cloud: Cloud) -> None:
    signed = {
        "type": "OS::Zaqar::SignedQueueURL",
        "properties": {"queue": {"get_resource": "news"}, "methods": ["POST"], "ttl": 600},
    }
    names = ("signature", "expires", "paths", "methods", "project", "query_str")
    path = await cloud.stack({name: ["signed", name] for name in names}, news=QUEUE, signed=signed)
    found = {name: await cloud.output(path, name) for name in names}
    headers = {
        "URL-Signature": found["signature"], "URL-Expires": found["expires"],
        "URL-Paths": ",".join(found["paths"]), "URL-Methods": ",".join(found["methods"]),
        "X-Project-ID": found["project"], "X-Auth-Token": "", **CLIENT,
    }  # fmt: skip
    place = found["paths"][0]
    answer = await cloud.ask(
        "POST", f"/messaging{place}", {"messages": [{"body": 1, "ttl": 60}]}, headers=headers
    )
    assert answer.status_code == 201, answer.text
    assert found["signature"] in found["query_str"]
    await cloud.delete(path)


# --- external resources ---------------------------------------------------------------------------------

ACTIONS = ("CREATE", "UPDATE", "SUSPEND", "RESUME", "DELETE")


def thing(**properties: Any) -> dict[str, Any]:
    """A workflow that says which action it is for, and an external resource that uses it for all."""
    actions = {
        action: {"workflow": {"get_resource": "do"}, "params": {"env": {"action": action}}}
        for action in ACTIONS
    }
    done = "<% env().action %> <% $.x %>"
    said = {
        "resource_id": "it",
        "last": "<% $.done %>",
        "before": "<% env().heat_extresource_data.get(last) %>",
    }
    do = workflow(
        echo(done, publish={"done": "<% task(say).result %>"}, wait_before=1), input={"x": None}, output=said
    )
    values = {"actions": actions, "input": {"x": 1}, "replace_on_change_inputs": ["y"], **properties}
    return {"do": do, "it": {"type": "OS::Mistral::ExternalResource", "properties": values}}


OUTPUT = {"output": ["it", "output"]}


async def test_workflows_make_change_rest_and_remove_a_resource(cloud: Cloud) -> None:
    async def last() -> tuple[str, str | None]:
        output = await cloud.output(path, "output")
        return output["last"], output["before"]

    path = await cloud.stack(OUTPUT, **thing())
    assert await last() == ("CREATE 1", None)
    row = (await cloud.api.get(f"{path}/resources/it"))["resource"]
    assert row["physical_resource_id"] == "it"
    await cloud.update(path, OUTPUT, **thing(input={"x": 2}))
    assert await last() == ("UPDATE 2", "CREATE 1")
    await cloud.update(path, OUTPUT, **thing(input={"x": 2}))
    assert len(cloud.executions()) == 2
    for action in ("suspend", "resume"):
        await cloud.act(path, action)
    assert await last() == ("RESUME 2", "SUSPEND 2")
    assert (await cloud.api.call("DELETE", path)).status_code == 204
    await until(lambda: "workflows" not in cloud.made.counts())
    said = [each["output"] for each in cloud.executions()]
    assert [text.split('"last":"')[1].split(" ")[0] for text in said] == [
        "CREATE", "UPDATE", "SUSPEND", "RESUME", "DELETE",
    ]  # fmt: skip


async def test_an_always_updated_resource_is_in_every_plan_and_done_once(cloud: Cloud) -> None:
    always = thing(always_update=True)
    path = await cloud.stack(OUTPUT, **always)
    answer = await cloud.api.call("PUT", f"{path}/preview", {"template": stacked(OUTPUT, **always)})
    changes = answer.json()["resource_changes"]
    assert [each["resource_name"] for each in changes["updated"]] == ["it"]
    for count in (2, 3):
        await cloud.update(path, OUTPUT, **always)
        assert len(cloud.executions()) == count


async def test_a_failed_workflow_fails_the_stack_with_its_reason(cloud: Cloud) -> None:
    broken = thing()
    broken["do"] = workflow(
        {"name": "say", "action": "std.fail", "input": {"error_data": "no disk"}}, input={"x": 1}
    )
    path = await cloud.api.create("s", stacked({}, **broken))
    found = await cloud.api.settled(path)
    assert found["stack_status"] == "CREATE_FAILED"
    assert "no disk" in found["stack_status_reason"]


DEATHS: list[tuple[str, dict[str, Any], str]] = [
    ("workflow", {"x": workflow(echo(1))}, "workflows"),
    ("queue", {"x": QUEUE}, "queues"),
    (
        "subscription",
        {
            "x": {
                "type": "OS::Zaqar::Subscription",
                "properties": {"queue_name": "q", "subscriber": "http://h/"},
            }
        },
        "subscriptions",
    ),
    (
        "trusting subscription",
        {
            "x": {
                "type": "OS::Zaqar::Subscription",
                "properties": {"queue_name": "q", "subscriber": "trust+http://h/"},
            }
        },
        "subscriptions",
    ),
    (
        "trigger",
        {
            "w": workflow(echo(1)),
            "x": {
                "type": "OS::Mistral::CronTrigger",
                "properties": {"pattern": "0 0 1 1 *", "workflow": {"name": {"get_resource": "w"}}},
            },
        },
        "cron_triggers",
    ),
    ("external resource", {**thing(), "x": {"type": "OS::Heat::None"}}, "executions"),
]


@pytest.mark.parametrize(
    ("resources", "plural"), [case[1:] for case in DEATHS], ids=[case[0] for case in DEATHS]
)
async def test_what_was_made_when_its_id_was_lost_is_found_again(
    tmp_path: Path, resources: dict[str, Any], plural: str
) -> None:
    def is_of(made: World) -> Any:
        def has_id(change: Change) -> bool:
            given = isinstance(change, Update) and change.values.get("physical_id") is not None
            return given and plural in made.counts()

        return has_id

    async with world(tmp_path) as made:
        async with made.process(dies_on=is_of(made)) as first:
            stack = await first.create("s", hot(resources))
            await first.journal.died.wait()
            before = [each.get("id", each.get("name")) for each in made.objects(plural)]
        async with made.process() as second:
            stack = await second.done(stack)
            assert stack.status is Status.COMPLETE, stack.reason
        assert [each.get("id", each.get("name")) for each in made.objects(plural)] == before
        assert len(before) == 1
