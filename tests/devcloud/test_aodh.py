"""Alarms of the dev cloud: what the service refuses, and what it calls when a state is set."""

from __future__ import annotations

from typing import Any

import pytest

from stackd.devcloud.delivery import Delivery, post
from tests.devcloud.conftest import Cloud, User

ALARMS = "/alarming/v2/alarms"
EVENT: dict[str, Any] = {"name": "x", "type": "event", "event_rule": {"event_type": "*"}}
METRIC = {"metric": "cpu", "resource_type": "instance", "aggregation_method": "mean", "threshold": "1"}
OF_ONE = "gnocchi_resources_threshold"
BY_QUERY = "gnocchi_aggregation_by_resources_threshold"
UP = "http://heat.test/up"
NIGHT = {"name": "night", "start": "0 23 * * *", "duration": 60}


def composite(rule: Any) -> dict[str, Any]:
    return {"name": "c", "type": "composite", "composite_rule": rule}


@pytest.fixture
def sent(cloud: Cloud) -> list[Delivery]:
    """What the cloud sends to the outside."""
    found: list[Delivery] = []

    async def note(delivery: Delivery) -> None:
        found.append(delivery)

    cloud.dev.send_out = note
    return found


async def refusal(user: User, body: Any) -> tuple[int, str]:
    reply = await user.call("POST", ALARMS, body)
    return reply.status_code, reply.json()["error_message"]["faultstring"]


async def set_state(user: User, alarm: str, state: str) -> None:
    reply = await user.call("PUT", f"{ALARMS}/{alarm}/state", state)
    assert (reply.status_code, reply.json()) == (200, state)


async def test_an_alarm_is_complete_with_defaults(demo: User) -> None:
    made = await demo.post(
        ALARMS, {"name": "x", "type": OF_ONE, f"{OF_ONE}_rule": METRIC | {"resource_id": "r"}}
    )
    assert made[f"{OF_ONE}_rule"] == {
        **METRIC, "resource_id": "r", "threshold": 1.0, "comparison_operator": "eq", "evaluation_periods": 1,
        "granularity": 60,
    }  # fmt: skip
    assert (made["state"], made["severity"], made["repeat_actions"]) == ("insufficient data", "low", False)
    assert made["project_id"] == demo.project_id
    assert await demo.get(f"{ALARMS}/{made['alarm_id']}") == made
    assert await demo.status("DELETE", f"{ALARMS}/{made['alarm_id']}") == 204
    assert await demo.status("GET", f"{ALARMS}/{made['alarm_id']}") == 404


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        ({"type": "event"}, 400, "field/attribute name"),
        ({"name": "x", "type": "threshold", "threshold_rule": {}}, 400, "data: threshold_rule"),
        ({"name": "x", "type": "cpu"}, 400, "field/attribute type"),
        ({"name": "x", "type": "event"}, 400, "event_rule must be set for event type alarm"),
        ({**EVENT, "bogus": 1}, 400, "data: bogus"),
        ({**EVENT, "event_rule": {"x": 1}}, 400, "data.event_rule: x"),
        ({**EVENT, "severity": "high"}, 400, "one of: critical, low, moderate"),
        ({**EVENT, "prometheus_rule": {"query": "up"}}, 400, "event_rule and prometheus_rule cannot be set"),
        ({**EVENT, "ok_actions": ["foo"]}, 400, "Unsupported action foo"),
        ({**EVENT, "ok_actions": ["log://"]}, 401, "not authorized to create action: log://"),
        ({**EVENT, "ok_actions": ["trust+http://t:delete@x"]}, 400, "cannot contain a trust ID"),
        ({**EVENT, "time_constraints": [NIGHT | {"start": "x"}]}, 400, "columns"),
        ({**EVENT, "time_constraints": [NIGHT, NIGHT]}, 400, "unique"),
        ({"name": "p", "type": "prometheus", "prometheus_rule": {"query": "up"}}, 400, "threshold"),
        (
            {"name": "p", "type": "prometheus", "prometheus_rule": {"query": "up", "threshold": "x"}},
            *(400, "could not convert"),
        ),
        (
            {"name": "g", "type": OF_ONE, f"{OF_ONE}_rule": METRIC | {"resource_id": "r", "granularity": 0}},
            *(400, "granularity"),
        ),
        (
            {"name": "g", "type": OF_ONE, f"{OF_ONE}_rule": METRIC | {"aggregation_method": "avg"}},
            *(400, "aggregation_method should be in"),
        ),
        ({"name": "g", "type": BY_QUERY, f"{BY_QUERY}_rule": METRIC | {"query": "{"}}, 400, "rule/query"),
        (composite({"xor": []}), 400, '"and" or "or"'),
        (composite({"or": [{"a": 1, "b": 2}]}), 400, "type must be set"),
        (composite({"or": [{"type": "event", "query": []}]}), 400, "Unsupported sub-rule type :event"),
    ],
)  # fmt: skip
async def test_what_is_wrong_is_refused(demo: User, body: Any, status: int, words: str) -> None:
    code, message = await refusal(demo, body)
    assert code == status
    assert words in message


async def test_composite_rules_are_completed_at_any_depth(demo: User) -> None:
    up = {"type": "prometheus", "query": "up", "threshold": 1}
    rule = {"or": [up, {"and": [up, up]}]}
    made = await demo.post(ALARMS, composite(rule))
    whole = {**up, "threshold": 1.0, "comparison_operator": "eq"}
    assert made["composite_rule"] == {"or": [whole, {"and": [whole, whole]}]}


async def test_queries_of_users_find_what_their_project_made(demo: User, admin: User) -> None:
    rule = {f"{BY_QUERY}_rule": METRIC | {"query": '{"=":{"server_group":"s"}}'}}
    made = await demo.post(ALARMS, {"name": "g", "type": BY_QUERY} | rule)
    assert demo.project_id in made[f"{BY_QUERY}_rule"]["query"]
    made = await admin.post(ALARMS, {"name": "g", "type": BY_QUERY} | rule)
    assert made[f"{BY_QUERY}_rule"]["query"] == '{"=":{"server_group":"s"}}'


async def test_a_list_is_filtered_by_queries_only(demo: User, admin: User) -> None:
    for name in ("a", "b", "b"):
        await demo.post(ALARMS, EVENT | {"name": name})
    assert [each["name"] for each in await demo.get(ALARMS)] == ["b", "b", "a"]
    assert len(await demo.get(f"{ALARMS}?q.field=name&q.op=eq&q.value=b")) == 2
    assert [each["name"] for each in await demo.get(f"{ALARMS}?limit=1")] == ["b"]
    assert await admin.get(ALARMS) == []
    assert len(await admin.get(f"{ALARMS}?q.field=all_projects&q.op=eq&q.value=true")) == 3
    assert await demo.status("GET", f"{ALARMS}?name=a") == 400
    assert await demo.status("GET", f"{ALARMS}?q.field=color&q.value=red") == 400


async def test_what_a_replacement_does_not_name_gets_its_default(demo: User) -> None:
    made = await demo.post(ALARMS, EVENT | {"severity": "critical"})
    path = f"{ALARMS}/{made['alarm_id']}"
    await set_state(demo, made["alarm_id"], "ok")
    kept = (await demo.call("PUT", path, (await demo.get(path)) | {"enabled": False})).json()
    assert (kept["state"], kept["severity"], kept["enabled"]) == ("ok", "critical", False)
    reset = (await demo.call("PUT", path, EVENT)).json()
    assert (reset["state"], reset["severity"]) == ("insufficient data", "low")


async def test_a_state_that_changes_calls_its_actions(demo: User, sent: list[Delivery]) -> None:
    alarm = (await demo.post(ALARMS, EVENT | {"alarm_actions": [UP], "ok_actions": [UP + "/ok"]}))["alarm_id"]
    for state in ("alarm", "alarm", "ok"):
        await set_state(demo, alarm, state)
    assert [each.url for each in sent] == [UP, UP + "/ok"]
    assert sent[0].body == {
        "alarm_name": "x", "alarm_id": alarm, "severity": "low", "previous": "insufficient data",
        "current": "alarm", "reason": "Manually set via API", "reason_data": {},
    }  # fmt: skip
    assert await demo.status("PUT", f"{ALARMS}/{alarm}/state", "red") == 400
    assert await demo.get(f"{ALARMS}/{alarm}/state") == "ok"


async def test_actions_are_repeated_while_an_alarm_that_repeats_them_stays(
    demo: User, sent: list[Delivery]
) -> None:
    body = EVENT | {"alarm_actions": [UP], "repeat_actions": True}
    made = await demo.post(ALARMS, body)
    for _ in range(2):
        await set_state(demo, made["alarm_id"], "alarm")
    assert len(sent) == 2
    await demo.call("PUT", f"{ALARMS}/{made['alarm_id']}", body | {"enabled": False, "state": "alarm"})
    await set_state(demo, made["alarm_id"], "alarm")
    assert len(sent) == 2


async def test_actions_that_need_a_trust_are_called_with_a_token_of_the_user(
    cloud: Cloud, demo: User, sent: list[Delivery]
) -> None:
    made = await demo.post(ALARMS, EVENT | {"alarm_actions": [f"trust+{UP}", "trust+zaqar://?queue_name=q"]})
    assert made["alarm_actions"] == [f"trust+{UP}", "trust+zaqar:?queue_name=q"]
    await set_state(demo, made["alarm_id"], "alarm")
    actor = cloud.dev.world.tokens[sent[0].headers["x-auth-token"]]
    assert (sent[0].url, actor.user_id, actor.project_id) == (UP, demo.user_id, demo.project_id)
    queue = await demo.get("/messaging/v2/queues/q/messages", headers={"Client-ID": "c"})
    assert [each["body"]["current"] for each in queue["messages"]] == ["alarm"]
    await demo.call("DELETE", f"{ALARMS}/{made['alarm_id']}")
    assert list(cloud.dev.store.all("identity.trusts")) == []


@pytest.mark.parametrize("redelegated", [False, True])
async def test_a_token_of_a_trust_serves_only_if_that_may_be_delegated_further(
    cloud: Cloud, demo: User, redelegated: bool
) -> None:
    heat = await cloud.login("heat", "service")
    body = {
        "trustor_user_id": demo.user_id, "trustee_user_id": heat.user_id, "project_id": demo.project_id,
        "impersonation": True, "allow_redelegation": redelegated, "roles": [{"name": "member"}],
    }  # fmt: skip
    trusts = "/identity/v3/OS-TRUST/trusts"
    trust = (await demo.post(trusts, {"trust": body}))["trust"]["id"]
    person = {"name": "heat", "password": "secret", "domain": {"id": "default"}}
    identity = {"methods": ["password"], "password": {"user": person}}
    auth = {"auth": {"identity": identity, "scope": {"OS-TRUST:trust": {"id": trust}}}}
    reply = await cloud.http.post("/identity/v3/auth/tokens", json=auth)
    token = {"X-Auth-Token": reply.headers["x-subject-token"]}
    alarm = EVENT | {"ok_actions": [f"trust+{UP}"]}
    assert await demo.status("POST", ALARMS, alarm, headers=token) == (201 if redelegated else 500)
    assert await demo.status("DELETE", f"{trusts}/{trust}") == 204
    assert list(cloud.dev.store.all("identity.trusts")) == []


async def test_that_nobody_takes_a_delivery_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    await post(Delivery("file:///etc/passwd", {}))
    assert "not delivered: file:///etc/passwd: not a URL of HTTP" in caplog.text
