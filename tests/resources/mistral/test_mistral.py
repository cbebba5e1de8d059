"""The types of workflows: what they send, read and refuse."""

from __future__ import annotations

import json
import uuid
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
import yaml

from stackd.errors import CloudConflict, PropertyError, ResourceFailure
from stackd.records import Action
from stackd.template.unknown import Unknown
from tests.support.context import FakeContext, gone

WORKFLOW, CRON = "OS::Mistral::Workflow", "OS::Mistral::CronTrigger"
EXTERNAL = "OS::Mistral::ExternalResource"
NAME = "app-thing-abcdefghijkl"
ECHO = {"name": "say", "action": "std.echo", "input": {"output": "<% $.word %>"}}
SIMPLE = {"type": "direct", "tasks": [ECHO]}


# --- workflows ------------------------------------------------------------------------------------------


def workflow(**properties: Any) -> FakeContext:
    return FakeContext(WORKFLOW, properties={**SIMPLE, **properties})


async def made(**properties: Any) -> Any:
    """The definition that is sent for a workflow."""
    ctx = workflow(**properties)
    ctx.type.validate(ctx.props)
    ctx.cloud.on("POST", "/workflows")
    await ctx.type.create(ctx, ctx.props)
    (text,) = ctx.cloud.sent("POST")
    assert ctx.cloud.calls[0].headers == {"Content-Type": "text/plain", "Accept": "text/plain"}
    return yaml.safe_load(text)


async def test_the_definition_has_all_that_is_given() -> None:
    tasks = [
        {
            "name": "a", "action": "std.http", "input": {"url": "u"},
            "publish": {"x": "<% task(a).result %>"}, "on_success": ["b", {"c": "<% $.x %>"}],
            "on_error": ["fail"], "with_items": "i in <% $.list %>",
            "concurrency": 2, "keep_result": False, "wait_before": 1, "retry": {"count": 3, "delay": 1},
            "target": "here", "pause_before": True, "timeout": 9, "description": "first",
        },
        {"name": "b", "workflow": "other", "policies": {"wait_after": 5}},
        {"name": "c", "action": "std.noop", "join": "all", "on_complete": ["noop"], "wait_after": 2},
    ]  # fmt: skip
    found = await made(
        name="w", description="d", tags=["t"], input={"list": None, "word": "hi"}, output={"o": "<% $.x %>"},
        tasks=tasks, task_defaults={"on_error": ["fail"], "retry": {"count": 1}},
    )  # fmt: skip
    assert found == {
        "version": "2.0",
        "w": {
            "type": "direct", "description": "d", "tags": ["t"], "output": {"o": "<% $.x %>"},
            "input": ["list", {"word": "hi"}],
            "task-defaults": {"on-error": ["fail"], "retry": {"count": 1}},
            "tasks": {
                "a": {
                    "action": "std.http", "input": {"url": "u"}, "publish": {"x": "<% task(a).result %>"},
                    "on-success": ["b", {"c": "<% $.x %>"}], "on-error": ["fail"],
                    "with-items": "i in <% $.list %>", "concurrency": 2, "keep-result": False,
                    "wait-before": 1, "retry": {"count": 3, "delay": 1}, "target": "here",
                    "pause-before": True, "timeout": 9, "description": "first",
                },
                "b": {"workflow": "other", "wait-after": 5},
                "c": {"action": "std.noop", "join": "all", "on-complete": ["noop"], "wait-after": 2},
            },
        },
    }  # fmt: skip


async def test_input_without_any_default_is_declared() -> None:
    assert (await made(input={"x": None}))[NAME]["input"] == ["x"]


async def test_a_workflow_without_a_name_has_the_physical_one() -> None:
    assert list(await made()) == ["version", NAME]


async def test_a_user_is_made_before_the_workflow_and_the_url_is_kept() -> None:
    ctx = workflow(name="w", input={"word": None})
    ctx.cloud.on("POST", "/workflows")
    await ctx.type.create(ctx, ctx.props)
    assert ctx.users.own is not None
    assert ctx.physical_id == ctx.type.reference(ctx.resource) == "w"
    await ctx.type.configure(ctx, ctx.props)
    url = ctx.shown({})["alarm_url"]
    assert "/signal/arn%3Aopenstack%3Aheat" in url
    assert "AWSAccessKeyId=access" in url
    await ctx.type.configure(ctx, ctx.props)
    assert ctx.shown({})["alarm_url"] == url
    assert ctx.shown({})["data"] == {"name": "w", "input": {"word": None}}


async def test_an_interrupted_creation_is_found_by_name() -> None:
    ctx = workflow()
    ctx.cloud.on("GET", "/workflows", {"workflows": [{"name": NAME}, {"name": "x"}]})
    assert await ctx.type.find(ctx, ctx.props) == [{"name": NAME}]
    assert ctx.cloud.calls[0].params == {"name": NAME}


async def test_an_update_gives_the_workflow_its_new_definition() -> None:
    ctx = FakeContext(WORKFLOW, properties=SIMPLE, physical="w", stored={"ec2_signed_url": "u"})
    ctx.cloud.on("PUT", "/workflows")
    await ctx.type.update(ctx, ctx.props, ctx.load({**SIMPLE, "description": "new"}))
    (text,) = ctx.cloud.sent("PUT")
    assert yaml.safe_load(text)["w"]["description"] == "new"
    assert not ctx.type.broken({})
    assert not ctx.type.replaced_by_checks


async def test_everything_goes_whatever_is_gone_already() -> None:
    ctx = FakeContext(WORKFLOW, properties=SIMPLE, physical="w", stored={"executions": ["e1", "e2"]})
    await ctx.users.make()
    ctx.cloud.on("DELETE", "/executions/e1", gone()).on("DELETE", "/executions/e2")
    ctx.cloud.on("DELETE", "/workflows/w", gone())
    await ctx.type.delete(ctx, ctx.props)
    assert len(ctx.cloud.asked("DELETE")) == 3
    assert ctx.cloud.calls[0].params == {"force": True}
    assert ctx.users.own is None


async def test_a_user_without_a_workflow_goes() -> None:
    ctx = workflow()
    await ctx.users.make()
    await ctx.type.delete(ctx, ctx.props)
    assert (ctx.users.own, ctx.cloud.calls) == (None, [])


SIGNALS: list[tuple[dict[str, Any], Any, dict[str, Any]]] = [
    ({}, None, {"input": {}, "params": {}}),
    ({}, {"alarm_id": "a", "current": "alarm"}, {"input": {}, "params": {}}),
    (
        {"input": {"x": None}, "params": {"task_name": "say", "env": {}}},
        {"input": {"x": 1}, "params": {"env": {"a": 1}}},
        {"input": {"x": 1}, "params": {"task_name": "say", "env": {"a": 1}}},
    ),
    (
        {"input": {"x": None}, "use_request_body_as_input": True, "params": {"a": 1}},
        {"x": 2},
        {"input": {"x": 2}, "params": {"a": 1}},
    ),
]


@pytest.mark.parametrize(("properties", "details", "asked"), SIGNALS)
async def test_a_signal_begins_an_execution_whose_id_is_stored_first(
    properties: dict[str, Any], details: Any, asked: dict[str, Any]
) -> None:
    ctx = FakeContext(
        WORKFLOW, properties={**SIMPLE, **properties}, physical="w", stored={"executions": ["e1"]}
    )

    def stored(call: Any) -> None:
        assert ctx.data["executions"] == ["e1", call.body["id"]]

    ctx.cloud.on("POST", "/executions", stored)
    assert await ctx.type.signal(ctx, details) == ""
    (sent,) = ctx.cloud.sent("POST")
    assert sent == {"id": ctx.data["executions"][1], "workflow_name": "w", **asked}


@pytest.mark.parametrize(
    ("details", "message"),
    [
        ({"input": {"y": 1, "x": 1}}, "no input y"),
        ({"input": "x"}, "input in a signal must be a map"),
        ({"params": [1]}, "params in a signal must be a map"),
    ],
)
async def test_a_wrong_signal_begins_nothing(details: Any, message: str) -> None:
    ctx = FakeContext(WORKFLOW, properties={**SIMPLE, "input": {"x": 1}}, physical="w")
    with pytest.raises(ResourceFailure, match=message):
        await ctx.type.signal(ctx, details)
    assert ctx.data == {}


async def test_executions_are_shown_as_far_as_they_are_there() -> None:
    ctx = FakeContext(WORKFLOW, properties=SIMPLE, physical="w", stored={"executions": ["e1", "e2"]})
    shown = {
        "id": "e2", "workflow_name": "w", "created_at": "c", "updated_at": "u", "state": "SUCCESS",
        "input": '{"x": 1}', "output": "no JSON", "params": "{}",
    }  # fmt: skip
    ctx.cloud.on("GET", "/executions/e1", gone()).on("GET", "/executions/e2", shown)
    (found,) = await ctx.attribute("executions")
    assert found == {**{key: shown[key] for key in shown if key != "params"}, "input": {"x": 1}}


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"tasks": [{**ECHO, "workflow": "w"}]}, "both an action and a workflow"),
    ({"tasks": [{"name": "a"}]}, "neither an action nor a workflow"),
    ({"tasks": [{**ECHO, "requires": ["b"]}]}, "for reverse workflows"),
    ({"tasks": [{**ECHO, "concurrency": 2}]}, "concurrency without with_items"),
    ({"tasks": [{**ECHO, "policies": {"retry": {}}, "wait_after": 1}]}, "has policies and wait_after"),
    ({"type": "reverse"}, "needs a target"),
    ({"type": "reverse", "params": {"env": {}}}, "needs a target"),
]


@pytest.mark.parametrize(("properties", "message"), WRONG)
def test_what_does_not_go_together_is_refused(properties: dict[str, Any], message: str) -> None:
    ctx = workflow(**properties)
    with pytest.raises(PropertyError, match=message):
        ctx.type.validate(ctx.props)


@pytest.mark.parametrize(
    "properties",
    [
        {"tasks": Unknown("t")},
        {"tasks": [Unknown("t")]},
        {"type": Unknown("t"), "tasks": [{**ECHO, "requires": ["x"]}]},
        {"type": "reverse", "params": Unknown("p")},
        {"type": "reverse", "params": {"task_name": "say"}, "tasks": [{**ECHO, "requires": []}]},
        {"tasks": [{"name": "a", "workflow": Unknown("w")}]},
    ],
)
def test_what_is_not_known_yet_is_not_refused(properties: dict[str, Any]) -> None:
    ctx = workflow(**properties)
    assert ctx.type.validate(ctx.props) is None


# --- cron triggers --------------------------------------------------------------------------------------

NIGHTLY = {"pattern": "0 3 * * *", "workflow": {"name": "w", "input": {"x": 1}}}


async def test_a_trigger_is_made_by_a_trust_and_known_by_its_name() -> None:
    ctx = FakeContext(CRON, properties={**NIGHTLY, "count": 3, "first_time": "2030-01-01 00:00"})
    live = {"name": NAME, "next_execution_time": "2030-01-01 00:00:00", "remaining_executions": 3}
    ctx.cloud.on("POST", "/cron_triggers", live).on("DELETE", f"/cron_triggers/{NAME}")
    await ctx.type.create(ctx, ctx.props)
    assert ctx.places == ["delegating"]
    assert ctx.cloud.sent("POST") == [
        {
            "name": NAME, "pattern": "0 3 * * *", "workflow_name": "w", "workflow_input": {"x": 1},
            "remaining_executions": 3, "first_execution_time": "2030-01-01 00:00",
        }
    ]  # fmt: skip
    shown = ctx.shown(await ctx.live())
    assert shown == {name: live[name] for name in ("next_execution_time", "remaining_executions")}
    assert ctx.type.observed(ctx.props, live) is None
    assert ctx.physical_id == NAME
    await ctx.type.delete(ctx, ctx.props)


async def test_an_interrupted_trigger_is_found_by_its_name() -> None:
    ctx = FakeContext(CRON, properties=NIGHTLY)
    ctx.cloud.on("GET", "/cron_triggers", {"cron_triggers": [{"name": NAME}, {"name": "x"}]})
    assert await ctx.type.find(ctx, ctx.props) == [{"name": NAME}]


async def test_a_chosen_name_is_freed_for_the_replacement_and_taken_back() -> None:
    ctx = FakeContext(CRON, properties={**NIGHTLY, "name": "t"}, physical="t")
    ctx.cloud.on("DELETE", "/cron_triggers/t").on(
        "POST", "/cron_triggers", CloudConflict("there", status=409)
    )
    await ctx.type.prepare_for_replace(ctx, ctx.props)
    await ctx.type.undo_replace(ctx, ctx.props)
    assert [method for method, _ in ctx.cloud.asked()] == ["DELETE", "POST"]
    unnamed = FakeContext(CRON, properties=NIGHTLY, physical=NAME)
    await unnamed.type.prepare_for_replace(unnamed, unnamed.props)
    await unnamed.type.undo_replace(unnamed, unnamed.props)
    assert unnamed.cloud.calls == []


def test_a_trigger_must_say_when() -> None:
    ctx = FakeContext(CRON, properties={"workflow": {"name": "w"}})
    with pytest.raises(PropertyError, match="Neither pattern nor first_time"):
        ctx.type.validate(ctx.props)
    ctx = FakeContext(CRON, properties={"workflow": {"name": "w"}, "first_time": Unknown("t")})
    assert ctx.type.validate(ctx.props) is None


# --- external resources ---------------------------------------------------------------------------------

ACTIONS = {
    action: {"workflow": action.lower()} for action in ("CREATE", "UPDATE", "SUSPEND", "RESUME", "DELETE")
}


def external(action: Action = Action.CREATE, minute: int = 0, **values: Any) -> FakeContext:
    """An external resource whose action's intent is of a minute."""
    properties = {"actions": ACTIONS, "input": {"x": 1}, **values.pop("properties", {})}
    ctx = FakeContext(EXTERNAL, properties=properties, **values)
    intent = datetime(2026, 1, 1, 0, minute, tzinfo=UTC)
    ctx.resource = replace(ctx.resource, action=action, updated_at=intent)
    return ctx


def ends(ctx: FakeContext, state: str = "SUCCESS", **values: Any) -> str:
    """Let the execution that is to be begun run for a while and then end; returns its id."""
    ctx.cloud.on("POST", "/executions")
    moment = ctx.resource.updated_at or ctx.resource.created_at
    identity = uuid.uuid5(
        uuid.UUID("0a1f5a57-6f53-4f7e-9e0b-3a6f8f0f8c7d"),
        f"{ctx.resource.id} {ctx.resource.action} {moment.isoformat()}",
    )
    steps = [{"id": str(identity), "state": each} for each in ("IDLE", "RUNNING", "PAUSED")]
    ctx.cloud.on("GET", f"/executions/{identity}", *steps, {**steps[0], "state": state, **values})
    return str(identity)


async def created(ctx: FakeContext) -> None:
    await ctx.type.create(ctx, ctx.props)

    async def ready() -> bool:
        return bool(await ctx.type.is_ready(ctx, ctx.props))

    await ctx.until(ready)


async def test_a_workflow_makes_the_resource_and_its_output_names_it() -> None:
    ctx = external()
    identity = ends(ctx, output='{"resource_id": "r1", "a": 1}')
    await ctx.type.create(ctx, ctx.props)
    assert ctx.physical_id == identity
    assert ctx.cloud.sent("POST") == [
        {
            "id": identity, "workflow_name": "create", "description": "Heat managed", "input": {"x": 1},
            "params": {"env": {"heat_extresource_data": {}}},
        }
    ]  # fmt: skip
    assert [await ctx.type.is_ready(ctx, ctx.props) for _ in range(4)] == [False, False, False, True]
    assert ctx.physical_id == "r1"
    assert ctx.shown({})["output"] == {"resource_id": "r1", "a": 1}


async def test_without_a_workflow_nothing_is_made() -> None:
    ctx = external(properties={"actions": {"DELETE": {"workflow": "d"}}})
    await created(ctx)
    assert (ctx.physical_id, ctx.cloud.calls) == (NAME, [])
    assert await ctx.type.find(ctx, ctx.props) == ()


async def test_an_interrupted_creation_is_found_by_the_id_of_its_execution() -> None:
    ctx = external()
    identity = ends(ctx)
    assert [each["id"] for each in await ctx.type.find(ctx, ctx.props)] == [identity]
    again = external()
    assert ends(again) == identity
    assert ends(external(minute=1)) != identity
    missing = external()
    missing.cloud.on("GET", f"/executions/{identity}", gone())
    assert await missing.type.find(missing, missing.props) == ()


@pytest.mark.parametrize("state", ["ERROR", "CANCELLED"])
async def test_an_execution_that_does_not_succeed_fails_the_resource(state: str) -> None:
    ctx = external()
    identity = ends(ctx, state, state_info="no disk")
    with pytest.raises(ResourceFailure, match=f"{identity} ended in {state}: no disk"):
        await created(ctx)


async def test_a_missing_workflow_or_execution_is_no_missing_resource() -> None:
    ctx = external(Action.DELETE, physical="r1")
    ctx.cloud.on("POST", "/executions", gone("no workflow"))
    with pytest.raises(ResourceFailure, match="workflow delete cannot be executed"):
        await ctx.type.delete(ctx, ctx.props)
    identity = ends(ctx)
    ctx.cloud.on("GET", f"/executions/{identity}", gone())
    with pytest.raises(ResourceFailure, match="is gone before it has ended"):
        await ctx.type.delete(ctx, ctx.props)


@pytest.mark.parametrize("action", [Action.SUSPEND, Action.RESUME, Action.DELETE])
async def test_other_actions_execute_their_workflow_with_what_is_known(action: Action) -> None:
    ctx = external(action, physical="r1", stored={"outputs": {"a": 1}})
    ends(ctx, output={"b": 2})
    await getattr(ctx.type, action.lower())(ctx, ctx.props)
    (sent,) = ctx.cloud.sent("POST")
    assert sent["workflow_name"] == action.lower()
    assert sent["params"] == {"env": {"heat_extresource_data": {"a": 1}}}
    assert ctx.data["outputs"] == {"a": 1, "b": 2}
    assert ctx.physical_id == "r1"


async def test_an_update_executes_its_workflow_once_however_often_it_is_resumed() -> None:
    ctx = external(
        Action.UPDATE,
        physical="r1",
        properties={"actions": {"UPDATE": {"workflow": "u", "params": {"a": 1}}}},
    )
    identity = ends(ctx, output="nothing")
    for _ in range(2):
        await ctx.type.update(ctx, ctx.props, ctx.props)
    assert {each["id"] for each in ctx.cloud.sent("POST")} == {identity}
    assert ctx.cloud.sent("POST")[0]["params"]["a"] == 1


def test_some_input_replaces_and_some_updates_come_always() -> None:
    ctx = external()
    given = {"actions": ACTIONS, "replace_on_change_inputs": ["x"]}
    old = ctx.load({**given, "input": {"x": 1, "y": 1}})
    changed = frozenset({"input"})
    assert ctx.type.needs_replace(old, ctx.load({**given, "input": {"x": 1, "y": 2}}), changed) is None
    assert "input x" in ctx.type.needs_replace(old, ctx.load({**given, "input": {"x": 2, "y": 1}}), changed)
    assert ctx.type.needs_replace(old, ctx.load({**given, "input": Unknown("i")}), changed) is None
    assert ctx.type.must_update(old) is None
    assert ctx.type.must_update(ctx.load({"actions": ACTIONS, "always_update": True})) is not None
    assert json.dumps(ctx.shown({})) == '{"output": {}}'
