"""The types of queues: what they send, read and refuse."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from stackd.clients.failures import AnswerLost
from stackd.clients.wire import Reply
from stackd.errors import PropertyError
from stackd.template.unknown import Unknown
from tests.support.context import FakeContext

QUEUE, SUBSCRIPTION = "OS::Zaqar::Queue", "OS::Zaqar::Subscription"
TRIGGER, SIGNED = "OS::Zaqar::MistralTrigger", "OS::Zaqar::SignedQueueURL"
NAME = "app-thing-abcdefghijkl"
SETTINGS = {"_default_message_ttl": 3600}
FOR_EVER = 220367260800
HOOK = {"queue_name": "q", "subscriber": "http://hook.test/"}
TRUSTED = {"queue_name": "q", "subscriber": "trust+http://hook.test/"}
PLACE = "/queues/q/subscriptions"
EXECUTIONS = "trust+http://workflow.test/v1/AUTH_project-id/executions"


# --- queues ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("properties", "name"), [({}, NAME), ({"name": "q"}, "q")])
async def test_a_queue_is_known_by_its_name(properties: dict[str, Any], name: str) -> None:
    ctx = FakeContext(QUEUE, properties={**properties, "metadata": {"a": 1}})
    path = f"/queues/{name}"
    ctx.cloud.on("PUT", path).on("GET", path, {"a": 1, **SETTINGS}).on("DELETE", path)
    await ctx.type.create(ctx, ctx.props)
    await ctx.type.configure(ctx, ctx.props)
    await ctx.type.delete(ctx, ctx.props)
    assert ctx.cloud.asked() == [("PUT", path), ("DELETE", path)]
    assert ctx.cloud.sent("PUT") == [{"a": 1}]
    assert ctx.physical_id == ctx.type.reference(ctx.resource) == name
    assert ctx.shown({})["queue_id"] == name
    assert (await ctx.attribute("href")).endswith(path)


async def test_metadata_become_exactly_what_is_wanted() -> None:
    ctx = FakeContext(QUEUE, properties={"metadata": {"a": 1}}, physical="q")
    ctx.cloud.on("GET", "/queues/q", {"a": 1, "b": 2, "c": 3, **SETTINGS}).on("PATCH", "/queues/q")
    await ctx.type.update(ctx, ctx.props, ctx.load({"metadata": {"b": 4, "_default_message_ttl": 60}}))
    assert ctx.cloud.sent("PATCH") == [
        [
            {"op": "add", "path": "/metadata/b", "value": 4},
            {"op": "add", "path": "/metadata/_default_message_ttl", "value": 60},
            {"op": "remove", "path": "/metadata/a"},
            {"op": "remove", "path": "/metadata/c"},
        ]
    ]
    assert ctx.cloud.calls[-1].headers == {"Content-Type": "application/openstack-messaging-v2.0-json-patch"}


async def test_a_lost_patch_is_not_repeated_when_it_was_done() -> None:
    ctx = FakeContext(QUEUE, physical="q")
    ctx.cloud.on("GET", "/queues/q", {}, {"a": 1}).on("PATCH", "/queues/q", AnswerLost("lost"))
    await ctx.type.update(ctx, ctx.props, ctx.load({"metadata": {"a": 1}}))
    assert len(ctx.cloud.sent("PATCH")) == 1


async def test_an_interrupted_creation_is_found_by_name() -> None:
    ctx = FakeContext(QUEUE, properties={"name": "q"})
    ctx.cloud.on("GET", "/queues", {"queues": [{"name": "p"}, {"name": "q"}]})
    assert await ctx.type.find(ctx, ctx.props) == [{"name": "q"}]


@pytest.mark.parametrize(
    "form", [lambda found: found, lambda found: {"href": "h", "name": "q", "metadata": found}]
)
def test_drift_of_metadata_leaves_out_settings_that_nobody_gave(form: Any) -> None:
    ctx = FakeContext(QUEUE, properties={"metadata": {"a": 1}}, physical="q")
    shown = form({"a": 2, "b": 3, **SETTINGS})
    assert ctx.type.observed(ctx.props, shown) == {"metadata": ({"a": 1}, {"a": 2, "b": 3})}


# --- subscriptions --------------------------------------------------------------------------------------


@pytest.mark.parametrize(("properties", "delegates"), [(HOOK, []), (TRUSTED, ["delegating"])])
async def test_a_subscription_is_made_with_a_token_that_its_subscriber_needs(
    properties: dict[str, Any], delegates: list[str]
) -> None:
    ctx = FakeContext(SUBSCRIPTION, properties=properties)
    ctx.type.validate(ctx.props)
    ctx.cloud.on("POST", PLACE, {"subscription_id": "s1"}).on("DELETE", f"{PLACE}/s1")
    await ctx.type.create(ctx, ctx.props)
    wanted = {"subscriber": properties["subscriber"], "ttl": FOR_EVER, "options": {}}
    assert ctx.cloud.sent("POST") == [wanted]
    assert (ctx.physical_id, ctx.places) == ("s1", delegates)
    await ctx.type.delete(ctx, ctx.props)


async def test_an_interrupted_subscription_is_found_by_its_subscriber_with_its_time() -> None:
    ctx = FakeContext(SUBSCRIPTION, properties=HOOK)
    mine = {"id": "s1", "subscriber": HOOK["subscriber"], "age": 30}
    ctx.cloud.on("GET", PLACE, {"subscriptions": [mine, {"id": "s2", "subscriber": "http://x/", "age": 1}]})
    (found,) = await ctx.type.find(ctx, ctx.props)
    assert found["id"] == "s1"
    age = datetime.now(UTC) - datetime.fromisoformat(found["created_at"])
    assert 30 <= age.total_seconds() < 90


async def test_new_options_keep_the_trust() -> None:
    ctx = FakeContext(SUBSCRIPTION, properties=TRUSTED, physical="s1")
    ctx.cloud.on("GET", f"{PLACE}/s1", {"options": {"trust_id": "t", "a": 1}}).on("PATCH", f"{PLACE}/s1")
    new = ctx.load({**TRUSTED, "ttl": 60, "options": {"post_headers": {"a": "b"}}})
    await ctx.type.update(ctx, ctx.props, new)
    assert ctx.cloud.sent("PATCH") == [{"ttl": 60, "options": {"trust_id": "t", "post_headers": {"a": "b"}}}]


async def test_what_has_not_changed_is_not_sent() -> None:
    ctx = FakeContext(SUBSCRIPTION, properties=HOOK, physical="s1")
    await ctx.type.update(ctx, ctx.props, ctx.props)
    assert ctx.cloud.calls == []


def test_a_subscriber_that_comes_to_need_a_trust_is_a_new_subscription() -> None:
    ctx = FakeContext(SUBSCRIPTION, properties=HOOK)
    plain, trusted = ctx.props, ctx.load(TRUSTED)
    changed = frozenset({"subscriber"})
    assert "trust" in ctx.type.needs_replace(plain, trusted, changed)
    assert ctx.type.needs_replace(trusted, plain, changed) is None
    assert ctx.type.needs_replace(trusted, trusted, changed) is None


def test_drift_of_a_subscription_leaves_out_the_trust() -> None:
    ctx = FakeContext(SUBSCRIPTION, properties=TRUSTED)
    live = {"subscriber": "http://else/", "ttl": 60, "options": {"trust_id": "t"}}
    assert ctx.type.observed(ctx.props, live) == {
        "subscriber": (TRUSTED["subscriber"], "http://else/"),
        "ttl": (FOR_EVER, 60),
        "options": ({}, {}),
    }


def test_subscribers_of_other_kinds_are_refused() -> None:
    for subscriber in ("ftp://x", "hook", "trust+zaqar://"):
        ctx = FakeContext(SUBSCRIPTION, properties={**HOOK, "subscriber": subscriber})
        with pytest.raises(PropertyError, match="does not begin with one of http, https, mailto"):
            ctx.type.validate(ctx.props)
    for known in ("mailto:me@example.org", Unknown("u")):
        ctx = FakeContext(SUBSCRIPTION, properties={**HOOK, "subscriber": known})
        assert ctx.type.validate(ctx.props) is None


async def test_a_trigger_posts_requests_for_executions() -> None:
    properties = {"queue_name": "q", "workflow_id": "w", "params": {"env": {"a": 1}, "task_name": "t"}}
    ctx = FakeContext(TRIGGER, properties=properties)
    ctx.cloud.on("POST", PLACE, {"subscription_id": "s1"})
    await ctx.type.create(ctx, ctx.props)
    (sent,) = ctx.cloud.sent("POST")
    assert (sent["subscriber"], ctx.places) == (EXECUTIONS, ["delegating"])
    assert json.loads(sent["options"]["post_data"]) == {
        "workflow_id": "w",
        "params": {"env": {"a": 1, "notification": "$zaqar_message$"}, "task_name": "t"},
        "input": {},
    }


async def test_a_trigger_changes_in_place_and_shows_what_it_asks() -> None:
    ctx = FakeContext(TRIGGER, properties={"queue_name": "q", "workflow_id": "w"}, physical="s1")
    made = await ctx.type.creation(ctx, ctx.props)
    live = {**made, "options": {**made["options"], "trust_id": "t"}}
    ctx.cloud.on("GET", f"{PLACE}/s1", live).on("PATCH", f"{PLACE}/s1")
    new = ctx.load({"queue_name": "q", "workflow_id": "v", "input": {"x": 1}})
    await ctx.type.update(ctx, ctx.props, new)
    (sent,) = ctx.cloud.sent("PATCH")
    assert list(sent) == ["options"]
    assert sent["options"]["trust_id"] == "t"
    seen = ctx.type.observed(new, live)
    assert seen["workflow_id"] == ("v", "w")
    assert seen["input"] == ({"x": 1}, {})
    assert ctx.type.observed(new, {"ttl": 60, "options": {"post_data": "{"}})["workflow_id"] == ("v", None)


# --- signed URLs ----------------------------------------------------------------------------------------


async def test_a_signed_url_is_what_the_service_signs() -> None:
    ctx = FakeContext(SIGNED, properties={"queue": "q", "methods": ["GET"], "paths": ["messages"], "ttl": 60})
    signed = {
        "signature": "s&", "expires": "2030-01-01T00:00:00", "paths": ["/v2/queues/q/messages"],
        "methods": ["GET", "POST"], "project": "p",
    }  # fmt: skip
    ctx.cloud.on("POST", "/queues/q/share", Reply(200, {}, signed, b""))
    await ctx.type.create(ctx, ctx.props)
    (sent,) = ctx.cloud.sent("POST")
    left = datetime.fromisoformat(sent.pop("expires")).replace(tzinfo=UTC) - datetime.now(UTC)
    assert 0 < left.total_seconds() <= 60
    assert sent == {"methods": ["GET"], "paths": ["messages"]}
    assert ctx.physical_id == NAME
    shown = ctx.shown({})
    assert {name: shown[name] for name in signed} == signed
    assert shown["query_str"] == (
        "signature=s%26&expires=2030-01-01T00%3A00%3A00&paths=%2Fv2%2Fqueues%2Fq%2Fmessages"
        "&methods=GET%2CPOST&project_id=p&queue_name=q"
    )
    await ctx.type.delete(ctx, ctx.props)
    assert ctx.cloud.asked("DELETE") == []


def test_nothing_is_shown_of_a_url_that_is_not_signed_yet() -> None:
    shown = FakeContext(SIGNED, properties={"queue": "q"}).shown({})
    assert set(shown.values()) == {None}
