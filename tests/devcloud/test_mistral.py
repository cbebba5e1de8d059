"""Workflows of the dev cloud: what definitions may say, how executions go, and triggers that fire."""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest
import yaml

from stackd.devcloud.delivery import Answer, Delivery
from stackd.devcloud.mistral.cron import next_time
from tests.devcloud.conftest import Cloud, User

BASE = "/workflow/v2"
WORKFLOWS, EXECUTIONS, TRIGGERS = f"{BASE}/workflows", f"{BASE}/executions", f"{BASE}/cron_triggers"
TEXT = {"Content-Type": "text/plain"}
NOOP = {"tasks": {"a": {"action": "std.noop"}}}
AN_ID = "5e0f2d1c-7f0b-4f43-9d3e-0c1a5f3f6b27"


def echo(value: Any, **more: Any) -> dict[str, Any]:
    return {"action": "std.echo", "input": {"output": value}, **more}


async def define(user: User, status: int = 201, method: str = "POST", **workflows: Any) -> Any:
    text = yaml.safe_dump({"version": "2.0", **workflows})
    headers = {"X-Auth-Token": user.token, **TEXT}
    reply = await user.http.request(method, WORKFLOWS, content=text, headers=headers)
    assert reply.status_code == status, reply.text
    return reply.json()


async def run(user: User, workflow: Any, given: Any = None, **body: Any) -> Any:
    """The execution of a new workflow, as it stands when the request is answered."""
    await define(user, w=workflow)
    made = await user.post(EXECUTIONS, {"workflow_name": "w", "input": given or {}, **body})
    return await user.get(f"{EXECUTIONS}/{made['id']}")


async def outcome(user: User, workflow: Any, given: Any = None, **body: Any) -> tuple[str, Any]:
    """The state and the output of the execution of a new workflow."""
    found = await run(user, workflow, given, **body)
    return found["state"], json.loads(found["output"])


async def states(user: User, execution: Any) -> dict[str, str]:
    found = await user.get(f"{EXECUTIONS}/{execution['id']}/tasks")
    return {each["name"]: each["state"] for each in found["tasks"]}


# --- definitions ----------------------------------------------------------------------------------------


async def test_a_workflow_is_known_by_name_and_id(demo: User, admin: User) -> None:
    spec = {**NOOP, "input": ["x", {"y": 1}], "tags": ["t"], "description": "d"}
    (made,) = (await define(demo, w=spec))["workflows"]
    assert (made["name"], made["input"], made["tags"], made["scope"]) == ("w", 'x, y="1"', ["t"], "private")
    for identifier in ("w", made["id"]):
        assert await demo.get(f"{WORKFLOWS}/{identifier}") == made
    assert await demo.get(f"{WORKFLOWS}?name=w&fields=name") == {
        "workflows": [{"id": made["id"], "name": "w"}]
    }
    assert await demo.get(f"{WORKFLOWS}?name=v") == {"workflows": []}
    assert await admin.status("GET", f"{WORKFLOWS}/w") == 404
    await define(demo, 409, w=NOOP)
    await define(admin, w=NOOP)
    await define(demo, 200, "PUT", w=NOOP)
    assert (await demo.get(f"{WORKFLOWS}/w"))["input"] == ""
    await define(demo, 404, "PUT", v=NOOP)
    assert await demo.status("DELETE", f"{WORKFLOWS}/w") == 204
    assert await demo.status("DELETE", f"{WORKFLOWS}/w") == 404


async def test_a_definition_is_taken_from_those_who_take_a_text(demo: User) -> None:
    text = yaml.safe_dump({"version": "2.0", "w": NOOP})
    for accepted, status in (("application/json", 406), ("text/plain", 201)):
        headers = {"X-Auth-Token": demo.token, "Accept": accepted, **TEXT}
        assert (await demo.http.post(WORKFLOWS, content=text, headers=headers)).status_code == status


async def test_a_list_comes_in_pages(demo: User) -> None:
    await define(demo, **dict.fromkeys("abc", NOOP))
    first = await demo.get(f"{WORKFLOWS}?limit=2")
    rest = await demo.get(first["next"].removeprefix("http://dev.test"))
    assert [each["name"] for each in (*first["workflows"], *rest["workflows"])] == ["a", "b", "c"]
    assert "next" not in rest
    assert await demo.status("GET", f"{WORKFLOWS}?limit=0") == 400


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a: [", "could not be parsed"),
        ("[]", "not a map"),
        ("version: '1.0'\nw: {}", "'version' must be '2.0'"),
        ("version: '2.0'", "no workflow"),
        (f"version: '2.0'\n{AN_ID}: {{}}", "format of UUID"),
        ("version: '2.0'\nw: 1", "not of type 'object'"),
        ("version: '2.0'\nw: {type: odd, tasks: {a: {}}}", "'odd' is not one of"),
        ("version: '2.0'\nw: {tasks: {}}", "'tasks' is a required property"),
        ("version: '2.0'\nw: {colour: red, tasks: {a: {}}}", "Additional properties are not allowed (colour"),
        ("version: '2.0'\nw: {tasks: {a: {on-sucess: b}}}", "on-sucess"),
        ("version: '2.0'\nw: {tasks: {a: {action: std.noop, workflow: v}}}", "can't be specified both"),
        ("version: '2.0'\nw: {tasks: {a: {on-success: b}}}", "Task 'b' not found"),
        ("version: '2.0'\nw: {tasks: {a: {requires: [a]}}}", "cannot be in a direct workflow"),
        ("version: '2.0'\nw: {type: reverse, tasks: {a: {join: all}}}", "cannot be in a reverse workflow"),
        ("version: '2.0'\nw: {tasks: {a: {publish: {x: '<% $. %>'}}}}", "Parse error"),
        ("version: '2.0'\nw: {tasks: {a: {publish: {x: '{{ _.y }}'}}}}", "Jinja is not spoken here"),
    ],
)
async def test_what_is_no_definition_is_refused(demo: User, text: str, words: str) -> None:
    headers = {"X-Auth-Token": demo.token, **TEXT}
    reply = await demo.http.post(WORKFLOWS, content=text, headers=headers)
    assert reply.status_code == 400
    assert words in reply.json()["faultstring"]


async def test_definitions_are_plain_text_of_writers_within_quotas(
    build: Callable[..., Cloud], demo: User
) -> None:
    assert await demo.status("POST", WORKFLOWS, {"version": "2.0"}) == 415
    small = await build(quotas={"workflows": 1}).login("demo", "demo")
    await define(small, 403, v=NOOP, w=NOOP)
    await define(small, w=NOOP)
    await define(small, 403, v=NOOP)


# --- executions -----------------------------------------------------------------------------------------


async def test_values_go_from_task_to_task(demo: User) -> None:
    workflow = {
        "input": ["word", {"mark": "!"}],
        "output": {"said": "<% $.said %>", "of": "<% env().who %> in <% execution().workflow_name %>"},
        "tasks": {
            "a": echo(
                "<% $.word %><% $.mark %>", publish={"said": "<% task().result %>"}, **{"on-success": "b"}
            ),
            "b": echo([1, {"x": "<% $.said %>"}], publish={"said": "<% task(b).result[1].x %>"}),
        },
    }
    asked = {"params": {"env": {"who": "me"}}}
    assert await outcome(demo, workflow, {"word": "hi"}, **asked) == (
        "SUCCESS", {"said": "hi!", "of": "me in w"}
    )  # fmt: skip


async def test_without_an_output_all_variables_are_it(demo: User) -> None:
    workflow = {"input": ["x"], "tasks": {"a": echo(2, publish={"y": "<% task(a).result %>"})}}
    assert await outcome(demo, workflow, json.dumps({"x": 1})) == ("SUCCESS", {"x": 1, "y": 2})


CASES: list[tuple[dict[str, Any], str, set[str]]] = [
    ({"a": {"on-success": ["b"], "on-error": ["c"], "on-complete": ["d"]}}, "SUCCESS", {"a", "b", "d"}),
    (
        {"a": {"action": "std.fail", "on-success": ["b"], "on-error": ["c"], "on-complete": ["d"]}},
        *("SUCCESS", {"a", "c", "d"}),
    ),
    ({"a": {"action": "std.fail"}, "b": {}}, "ERROR", {"a"}),
    ({"a": {"on-success": [{"b": "<% 1 > 2 %>"}, {"c": "<% 2 > 1 %>"}]}}, "SUCCESS", {"a", "c"}),
    ({"a": {"on-success": "fail"}}, "ERROR", {"a"}),
    ({"a": {"on-success": ["succeed", "b"]}}, "SUCCESS", {"a"}),
    (
        {"a": {"on-success": "d"}, "b": {"on-success": "d"}, "d": {"join": "all"}},
        "SUCCESS",
        {"a", "b", "d", "c"},
    ),
    (
        {
            "a": {"on-success": "d"},
            "b": {"action": "std.fail", "on-success": "d", "on-error": "noop"},
            "d": {"join": "all"},
        },
        *("ERROR", {"a", "b", "c"}),
    ),
    (
        {
            "a": {"on-success": "d"},
            "b": {"action": "std.fail", "on-success": "d", "on-error": "noop"},
            "d": {"join": "one"},
        },
        *("SUCCESS", {"a", "b", "c", "d"}),
    ),
    ({"a": {"action": "std.odd"}}, "ERROR", {"a"}),
    ({"a": {"action": "std.echo"}}, "ERROR", {"a"}),
    ({"a": echo("<% $.x.y.z + 1 %>")}, "ERROR", {"a"}),
    ({"a": {"publish": {"x": "<% 1 / 0 %>"}}}, "ERROR", {"a"}),
]


@pytest.mark.parametrize(("tasks", "state", "begun"), CASES)
async def test_tasks_follow_each_other(demo: User, tasks: Any, state: str, begun: set[str]) -> None:
    named = {
        each
        for task in tasks.values()
        for on in task
        if on[:3] == "on-"
        for each in "abcd"
        if each in str(task[on])
    }
    alone = {name: {} for name in (named | begun) - tasks.keys()}
    found = await run(demo, {"tasks": tasks | alone})
    assert found["state"] == state, found["state_info"]
    assert set(await states(demo, found)) == begun
    assert bool(found["state_info"]) == (state == "ERROR" or tasks["a"].get("on-success") == ["succeed", "b"])


async def test_a_reverse_workflow_does_what_its_target_requires(demo: User) -> None:
    tasks = {
        "a": echo(1, publish={"x": "<% task(a).result %>"}),
        "b": echo("<% $.x + 1 %>", publish={"y": "<% task(b).result %>"}, requires=["a"]),
        "c": {"requires": ["b"]},
    }
    workflow = {"type": "reverse", "tasks": tasks, "output": {"y": "<% $.y %>"}}
    found = await run(demo, workflow, params={"task_name": "b"})
    assert (found["state"], json.loads(found["output"])) == ("SUCCESS", {"y": 2})
    assert set(await states(demo, found)) == {"a", "b"}
    for params in ({}, {"task_name": "z"}):
        assert await demo.status("POST", EXECUTIONS, {"workflow_name": "w", "params": params}) == 400


async def test_a_task_is_done_for_each_item(demo: User) -> None:
    task = echo("<% $.i * 2 %>", publish={"x": "<% task(a).result %>"}, **{"with-items": "i in <% $.list %>"})
    workflow = {"input": ["list"], "output": "<% $.x %>", "tasks": {"a": {**task, "concurrency": 2}}}
    assert await outcome(demo, workflow, {"list": [1, 2, 3]}) == ("SUCCESS", [2, 4, 6])


async def test_no_items_are_done_at_once(demo: User) -> None:
    tasks = {"a": {"action": "std.fail", "with-items": "i in []"}}
    assert (await run(demo, {"tasks": tasks}))["state"] == "SUCCESS"


async def test_a_task_is_another_workflow(demo: User) -> None:
    inner = {"input": ["x"], "output": {"y": "<% $.x + 1 %>"}, "tasks": {"a": {}}}
    await define(demo, inner=inner, broken={"tasks": {"a": {"action": "std.fail"}}})
    call = {"workflow": "inner", "input": {"x": 1}, "publish": {"y": "<% task(a).result.y %>"}}
    assert await outcome(demo, {"tasks": {"a": call}}) == ("SUCCESS", {"y": 2})
    for name, task in {
        "missing": {"workflow": "none"},
        "input": {"workflow": "inner"},
        "fails": {"workflow": "broken"},
    }.items():
        await define(demo, **{name: {"tasks": {"a": task}}})
        assert (await demo.post(EXECUTIONS, {"workflow_name": name}))["state"] == "ERROR"


async def test_workflows_that_go_in_circles_end(demo: User) -> None:
    await define(
        demo,
        me={"tasks": {"a": {"workflow": "me"}}},
        round={"tasks": {"b": {"on-success": "a"}, "a": {"on-success": "a"}}},
    )
    for name in ("me", "round"):
        found = await demo.post(EXECUTIONS, {"workflow_name": name})
        assert found["state"] == "ERROR"
        assert "ore than" in found["state_info"]


async def test_the_same_id_begins_one_execution(demo: User, admin: User) -> None:
    await define(demo, w=NOOP)
    body = {"id": str(uuid.uuid4()), "workflow_name": "w", "description": "mine"}
    made = await demo.post(EXECUTIONS, body)
    assert await demo.post(EXECUTIONS, body) == made
    listed = (await demo.get(f"{EXECUTIONS}?description=mine&include_output=true"))["executions"]
    assert listed == [made]
    assert "output" not in (await demo.get(EXECUTIONS))["executions"][0]
    assert (await admin.get(EXECUTIONS))["executions"] == []
    assert await admin.status("POST", EXECUTIONS, body) == 404
    assert await demo.status("POST", EXECUTIONS, {**body, "id": "x"}) == 400


async def test_wrong_requests_for_executions_are_refused(demo: User) -> None:
    await define(demo, w={**NOOP, "input": ["x"]})
    for given in ({}, {"x": 1, "y": 2}, "[", [1]):
        assert await demo.status("POST", EXECUTIONS, {"workflow_name": "w", "input": given}) == 400
    wrong_env = {"workflow_name": "w", "input": {"x": 1}, "params": {"env": "e"}}
    assert await demo.status("POST", EXECUTIONS, wrong_env) == 400
    assert await demo.status("POST", EXECUTIONS, {}) == 400
    assert await demo.status("POST", EXECUTIONS, {"workflow_id": "v"}) == 404


async def test_times_of_policies_pass(cloud: Cloud, demo: User) -> None:
    tasks = {"a": {"wait-before": 5, "wait-after": 10, "on-success": "b"}, "b": {}}
    found = await run(demo, {"tasks": tasks})
    assert (found["state"], await states(demo, found)) == ("RUNNING", {"a": "DELAYED"})
    assert await demo.status("DELETE", f"{EXECUTIONS}/{found['id']}") == 403
    cloud.time.now += 6
    assert await states(demo, found) == {"a": "RUNNING"}
    cloud.time.now += 11
    assert await states(demo, found) == {"a": "SUCCESS", "b": "SUCCESS"}
    assert (await demo.get(f"{EXECUTIONS}/{found['id']}"))["state"] == "SUCCESS"
    assert await demo.status("DELETE", f"{EXECUTIONS}/{found['id']}") == 204
    assert await demo.status("GET", f"{EXECUTIONS}/{found['id']}") == 404


async def test_what_fails_is_tried_again(cloud: Cloud, demo: User) -> None:
    task = {"action": "std.fail", "retry": {"count": 2, "delay": 10}}
    found = await run(demo, {"tasks": {"a": task}})
    for _ in range(2):
        assert await states(demo, found) == {"a": "DELAYED"}
        cloud.time.now += 11
    assert await states(demo, found) == {"a": "ERROR"}


async def test_a_workflow_pauses_and_goes_on_or_is_cancelled(demo: User) -> None:
    await define(demo, w={"tasks": {"a": {"on-success": "b"}, "b": {"pause-before": True}}})
    ended = []
    for state in ("RUNNING", "CANCELLED"):
        made = await demo.post(EXECUTIONS, {"workflow_name": "w"})
        assert (made["state"], await states(demo, made)) == ("PAUSED", {"a": "SUCCESS"})
        path = f"{EXECUTIONS}/{made['id']}"
        assert await demo.status("PUT", path, {"state": state}) == 200
        ended.append((await demo.get(path))["state"])
        assert await demo.status("PUT", path, {"state": "RUNNING"}) == 400
    assert ended == ["SUCCESS", "CANCELLED"]
    for body in ({}, {"state": "IDLE"}, {"state": "ERROR", "description": "d"}):
        assert await demo.status("PUT", path, body) == 400
    assert await demo.status("PUT", path, {"description": "d"}) == 200


async def test_a_forced_deletion_takes_what_was_begun(cloud: Cloud, demo: User) -> None:
    await define(demo, inner={"tasks": {"a": {"wait-before": 5}}})
    found = await run(demo, {"tasks": {"a": {"workflow": "inner"}}})
    assert len((await demo.get(EXECUTIONS))["executions"]) == 2
    assert await demo.status("DELETE", f"{EXECUTIONS}/{found['id']}?force=true") == 204
    cloud.time.now += 6
    for kind in ("executions", "tasks"):
        assert (await demo.get(f"{BASE}/{kind}"))[kind] == []


# --- requests to URLs -----------------------------------------------------------------------------------


class Outside:
    """What the cloud's requests reach: each waits until it is answered."""

    def __init__(self, cloud: Cloud) -> None:
        self.sent: list[Delivery] = []
        self.waiting: list[asyncio.Future[Answer | None]] = []
        cloud.dev.send_out = self.answer

    async def answer(self, delivery: Delivery) -> Answer | None:
        self.sent.append(delivery)
        self.waiting.append(asyncio.get_running_loop().create_future())
        return await self.waiting[-1]

    async def reply(self, status: int | None, body: Any = None) -> None:
        """Answer the oldest request that waits; None is no answer."""
        await asyncio.sleep(0)
        answer = None if status is None else Answer(status, {"a": "b"}, orjson.dumps(body))
        self.waiting.pop(0).set_result(answer)
        for _ in range(3):
            await asyncio.sleep(0)


@pytest.fixture
def outside(cloud: Cloud) -> Outside:
    return Outside(cloud)


CALL = {
    "action": "std.http",
    "input": {
        "url": "http://there/x",
        "method": "put",
        "params": {"q": 1},
        "body": {"a": 1},
        "headers": {"H": 1},
    },
}


async def test_a_request_is_waited_for_by_its_task_alone(demo: User, outside: Outside) -> None:
    task = {**CALL, "publish": {"seen": "<% task(a).result.content.b %>"}}
    found = await run(demo, {"tasks": {"a": task}})
    assert found["state"] == "RUNNING"
    await outside.reply(200, {"b": 2})
    (sent,) = outside.sent
    assert (sent.method, sent.url, sent.content) == ("PUT", "http://there/x?q=1", b'{"a":1}')
    assert sent.headers == {"h": "1"}
    found = await demo.get(f"{EXECUTIONS}/{found['id']}")
    assert (found["state"], json.loads(found["output"])) == ("SUCCESS", {"seen": 2})


@pytest.mark.parametrize("status", [404, 503, None])
async def test_a_refused_request_is_an_error(demo: User, outside: Outside, status: int | None) -> None:
    task = {**CALL, "on-error": "b"}
    after = echo("<% task(a).result %>", publish={"why": "<% task(b).result %>"})
    found = await run(demo, {"tasks": {"a": task, "b": after}})
    await outside.reply(status, "no")
    found = await demo.get(f"{EXECUTIONS}/{found['id']}")
    why = json.loads(found["output"])["why"]
    assert (
        ("http://there/x" in why) if status is None else ((why["status"], why["content"]) == (status, "no"))
    )


async def test_a_request_that_takes_too_long_is_given_up(cloud: Cloud, demo: User, outside: Outside) -> None:
    found = await run(demo, {"tasks": {"a": {**CALL, "timeout": 5}}})
    await asyncio.sleep(0)
    cloud.time.now += 6
    assert await states(demo, found) == {"a": "ERROR"}
    await outside.reply(200)
    assert await states(demo, found) == {"a": "ERROR"}


# --- cron triggers --------------------------------------------------------------------------------------

EVERY_HOUR = {"name": "t", "workflow_name": "w", "pattern": "0 * * * *"}


async def test_a_trigger_fires_as_often_as_it_should(cloud: Cloud, demo: User) -> None:
    await define(demo, w=NOOP)
    made = await demo.post(TRIGGERS, {**EVERY_HOUR, "remaining_executions": 2})
    assert (made["remaining_executions"], made["workflow_input"]) == (2, "{}")
    assert await demo.status("DELETE", f"{WORKFLOWS}/w") == 409
    before = datetime.fromisoformat(made["next_execution_time"])
    cloud.time.now += 3600
    shown = await demo.get(f"{TRIGGERS}/t")
    assert shown["remaining_executions"] == 1
    assert (datetime.fromisoformat(shown["next_execution_time"]) - before).total_seconds() == 3600
    cloud.time.now += 3600
    assert (await demo.get(TRIGGERS))["cron_triggers"] == []
    executions = (await demo.get(EXECUTIONS))["executions"]
    assert [each["state"] for each in executions] == ["SUCCESS", "SUCCESS"]
    assert "triggered_by" in executions[0]["description"]
    assert list(cloud.dev.store.all("identity.trusts")) == []


async def test_a_trigger_fires_although_nobody_calls(cloud: Cloud, demo: User) -> None:
    await define(demo, w=NOOP)
    await demo.post(TRIGGERS, EVERY_HOUR)
    due = cloud.dev.store.next_wake
    assert due is not None
    cloud.time.now = due
    await asyncio.sleep(3600)
    assert len(list(cloud.dev.store.all("workflow.executions"))) == 1


async def test_a_trigger_may_begin_later_and_fire_once(cloud: Cloud, demo: User) -> None:
    await define(demo, w=NOOP)
    first = f"{datetime.fromtimestamp(cloud.time.now + 7200, UTC):%Y-%m-%d %H:%M}"
    await demo.post(TRIGGERS, {"name": "t", "workflow_name": "w", "first_execution_time": first})
    assert (await demo.get(f"{TRIGGERS}/t"))["next_execution_time"] == f"{first}:00"
    cloud.time.now += 7201
    assert await demo.status("GET", f"{TRIGGERS}/t") == 404


async def test_wrong_triggers_are_refused(cloud: Cloud, demo: User) -> None:
    await define(demo, w={**NOOP, "input": ["x"]}, v=NOOP)
    good = {**EVERY_HOUR, "workflow_name": "v"}
    soon = f"{datetime.fromtimestamp(cloud.time.now, UTC):%Y-%m-%d %H:%M}"
    later = f"{datetime.fromtimestamp(cloud.time.now + 7200, UTC):%Y-%m-%d %H:%M}"
    for wrong in (
        {"workflow_name": "w"}, {"workflow_input": {"x": 1}}, {"pattern": "x * * * *"},
        {"pattern": "99 * * * *"}, {"pattern": None}, {"name": ""}, {"remaining_executions": 0},
        {"first_execution_time": soon}, {"first_execution_time": "soon"},
        {"pattern": None, "first_execution_time": later, "remaining_executions": 2},
    ):  # fmt: skip
        assert await demo.status("POST", TRIGGERS, {**good, **wrong}) == 400, wrong
    assert await demo.status("POST", TRIGGERS, {**good, "workflow_name": "none"}) == 404
    await demo.post(TRIGGERS, good)
    assert await demo.status("POST", TRIGGERS, good) == 409
    assert await demo.status("DELETE", f"{TRIGGERS}/t") == 204
    assert await demo.status("DELETE", f"{TRIGGERS}/t") == 404


@pytest.mark.parametrize(
    ("pattern", "after", "expected"),
    [
        ("*/15 * * * *", "2026-01-01 10:07:30", "2026-01-01 10:15:00"),
        ("0 3 * * *", "2026-01-01 03:00:00", "2026-01-02 03:00:00"),
        ("30 8-10/2 * * mon-fri", "2026-01-02 10:30:00", "2026-01-05 08:30:00"),
        ("0 0 29 2 *", "2026-03-01 00:00:00", "2028-02-29 00:00:00"),
        ("0 0 13 * 5", "2026-01-01 00:00:00", "2026-01-02 00:00:00"),
        ("0 0 * jan,feb 7", "2026-02-27 00:00:00", "2027-01-03 00:00:00"),
        ("@daily", "2026-12-31 23:59:59", "2027-01-01 00:00:00"),
        ("5/20 0 1 1 *", "2026-01-01 00:05:00", "2026-01-01 00:25:00"),
    ],
)
def test_times_of_patterns(pattern: str, after: str, expected: str) -> None:
    found = next_time(pattern, datetime.fromisoformat(after).replace(tzinfo=UTC).timestamp())
    assert f"{datetime.fromtimestamp(found, UTC):%Y-%m-%d %H:%M:%S}" == expected


@pytest.mark.parametrize("pattern", ["", "* * * *", "0 0 31 2 *", "0 24 * * *", "*/0 * * * *", "5-1 * * * *"])
def test_what_is_no_pattern_never_comes(pattern: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  # whatever it says
        next_time(pattern, 0.0)


async def test_the_service_is_found_by_its_version(cloud: Cloud) -> None:
    reply = await cloud.http.get("/workflow/")
    assert reply.json()["versions"][0]["status"] == "CURRENT"
