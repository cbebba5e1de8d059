"""Queues of the dev cloud: messages wait, are seen by others, claimed, sent on, and expire."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import orjson
import pytest

from stackd.devcloud.delivery import Delivery
from tests.devcloud.conftest import Cloud, User

CLIENT = {"Client-ID": "5f5a8c3e-0000-4000-8000-000000000001"}
OTHER = {"Client-ID": "5f5a8c3e-0000-4000-8000-000000000002"}
QUEUE = "/messaging/v2/queues/news"


async def post(user: User, *bodies: Any, ttl: int = 300) -> None:
    messages = [{"body": body, "ttl": ttl} for body in bodies]
    await user.post(f"{QUEUE}/messages", {"messages": messages}, headers=CLIENT)


async def bodies(user: User, query: str = "", headers: dict[str, str] = OTHER) -> list[Any]:
    found = await user.get(f"{QUEUE}/messages{query}", headers=headers)
    return [each["body"] for each in found["messages"]]


async def test_messages_come_in_order_to_all_but_their_author(cloud: Cloud) -> None:
    user = await cloud.login("demo", "demo")
    await post(user, "one", {"two": 2})
    assert await bodies(user) == ["one", {"two": 2}]
    assert await bodies(user, headers=CLIENT) == []
    assert await bodies(user, "?echo=true", headers=CLIENT) == ["one", {"two": 2}]
    assert await bodies(user, "?limit=1") == ["one"]


async def test_a_queue_is_made_by_its_first_message_and_shows_its_metadata(cloud: Cloud) -> None:
    user = await cloud.login("demo", "demo")
    await post(user, "one")
    assert [each["name"] for each in (await user.get("/messaging/v2/queues", headers=CLIENT))["queues"]] == [
        "news"
    ]
    assert await user.status("PUT", QUEUE, {}, headers=CLIENT) == 204
    assert (await user.get(QUEUE, headers=CLIENT))["_default_message_ttl"] == 3600
    assert await user.status("DELETE", QUEUE, headers=CLIENT) == 204
    assert await bodies(user) == []


async def test_messages_expire(cloud: Cloud) -> None:
    user = await cloud.login("demo", "demo")
    await post(user, "short", ttl=60)
    await post(user, "long", ttl=600)
    cloud.time.now += 61
    assert await bodies(user) == ["long"]


async def test_a_claimed_message_is_seen_by_nobody_else_until_it_is_released(cloud: Cloud) -> None:
    user = await cloud.login("demo", "demo")
    await post(user, "job")
    reply = await user.call("POST", f"{QUEUE}/claims", {"ttl": 60, "grace": 60}, headers=OTHER)
    claim = reply.headers["location"].rpartition("/")[2]
    assert await bodies(user) == []
    assert await user.status("POST", f"{QUEUE}/claims", {"ttl": 60}, headers=OTHER) == 204
    stats = await user.get(f"{QUEUE}/stats", headers=OTHER)
    assert stats["messages"] == {"free": 0, "claimed": 1, "total": 1}
    assert await user.status("DELETE", f"{QUEUE}/claims/{claim}", headers=OTHER) == 204
    assert await bodies(user) == ["job"]


async def test_popped_messages_are_gone(cloud: Cloud) -> None:
    user = await cloud.login("demo", "demo")
    await post(user, "one", "two")
    reply = await user.call("DELETE", f"{QUEUE}/messages?pop=1", headers=OTHER)
    assert [each["body"] for each in reply.json()["messages"]] == ["one"]
    assert await bodies(user) == ["two"]


async def test_nonsense_is_refused(cloud: Cloud) -> None:
    user = await cloud.login("demo", "demo")
    assert await user.status("GET", QUEUE) == 400
    for messages in (None, [], [{"ttl": 60}], [{"body": "x", "ttl": 5}]):
        body = {"messages": messages}
        assert await user.status("POST", f"{QUEUE}/messages", body, headers=CLIENT) == 400
    assert await user.status("GET", f"{QUEUE}/messages/nothing", headers=CLIENT) == 404


async def test_a_queue_can_be_shared_and_subscribed_to(cloud: Cloud) -> None:
    user = await cloud.login("demo", "demo")
    shared = await user.post(f"{QUEUE}/share", {"methods": ["GET", "POST"]}, headers=CLIENT)
    assert shared["project"] == user.project_id
    assert shared["paths"] == ["/v2/queues/news/messages"]
    wanted = {"subscriber": "http://example.test/hook", "ttl": 3600}
    made = await user.post(f"{QUEUE}/subscriptions", wanted, headers=CLIENT)
    path = f"{QUEUE}/subscriptions/{made['subscription_id']}"
    assert (await user.get(path, headers=CLIENT))["subscriber"] == wanted["subscriber"]
    assert await user.status("POST", f"{QUEUE}/subscriptions", wanted, headers=CLIENT) == 409
    assert await user.status("DELETE", path, headers=CLIENT) == 204
    assert await user.status("GET", path, headers=CLIENT) == 404


PATCH = {**CLIENT, "Content-Type": "application/openstack-messaging-v2.0-json-patch"}


async def test_metadata_change_by_patches_only(demo: User) -> None:
    assert await demo.status("PUT", QUEUE, {"a": 1}, headers=CLIENT) == 201
    assert await demo.status("PUT", QUEUE, {"a": 2}, headers=CLIENT) == 204
    changes = [
        {"op": "add", "path": "/metadata/b", "value": 2},
        {"op": "replace", "path": "/metadata/_default_message_ttl", "value": 60},
        {"op": "remove", "path": "/metadata/a"},
    ]
    reply = await demo.call("PATCH", QUEUE, changes, headers=PATCH)
    assert reply.json() == await demo.get(QUEUE, headers=CLIENT)
    assert reply.json() == {
        "b": 2,
        "_default_message_ttl": 60,
        "_default_message_delay": 0,
        "_max_messages_post_size": 262144,
    }
    assert await demo.status("PATCH", QUEUE, changes, headers=CLIENT) == 415
    assert await demo.status("PATCH", QUEUE, changes[2:], headers=PATCH) == 409
    for wrong in ({}, [{"op": "add", "path": "/a", "value": 1}], [{"op": "x", "path": "/metadata/a"}]):
        assert await demo.status("PATCH", QUEUE, wrong, headers=PATCH) == 400
    assert await demo.status("PATCH", "/messaging/v2/queues/none", changes, headers=PATCH) == 404
    for path, metadata in ((QUEUE, {"_default_message_ttl": "x"}), (f"{QUEUE}*", {})):
        assert await demo.status("PUT", path, metadata, headers=CLIENT) == 400


async def test_queues_come_in_pages_within_the_quota(build: Callable[..., Cloud]) -> None:
    user = await build(quotas={"queues": 3}).login("demo", "demo")
    names = ["a", "b", "c", "d"]
    made = [await user.status("PUT", f"/messaging/v2/queues/{name}", {}, headers=CLIENT) for name in names]
    assert made == [201, 201, 201, 403]
    seen, path = [], "/messaging/v2/queues?limit=2&detailed=true"
    while page := (found := await user.get(path, headers=CLIENT))["queues"]:
        seen += [each["name"] for each in page]
        assert all("_default_message_ttl" in each["metadata"] for each in page)
        path = f"/messaging{found['links'][0]['href']}"
    assert seen == names[:3]
    assert await user.status("GET", "/messaging/v2/queues?limit=21", headers=CLIENT) == 400


# --- subscriptions --------------------------------------------------------------------------------------

HOOK = "http://example.test/hook"
SUBSCRIPTIONS = f"{QUEUE}/subscriptions"


@pytest.fixture
def sent(cloud: Cloud) -> list[Delivery]:
    """What the cloud sends to the outside."""
    found: list[Delivery] = []

    async def note(delivery: Delivery) -> None:
        found.append(delivery)

    cloud.dev.send_out = note
    return found


async def test_messages_are_posted_to_who_subscribed(cloud: Cloud, demo: User, sent: list[Delivery]) -> None:
    options = {"post_data": '{"said": "$zaqar_message$"}', "post_headers": {"X-Who": "me"}}
    await demo.post(SUBSCRIPTIONS, {"subscriber": HOOK, "ttl": 60}, headers=CLIENT)
    await demo.post(SUBSCRIPTIONS, {"subscriber": f"{HOOK}2", "options": options}, headers=CLIENT)
    await demo.post(SUBSCRIPTIONS, {"subscriber": "mailto:me@example.test"}, headers=CLIENT)
    await post(demo, "one")
    message = {"body": "one", "ttl": 300, "queue_name": "news", "Message_Type": "Notification"}
    assert [(each.url, orjson.loads(each.content or b"")) for each in sent] == [
        (HOOK, message),
        (f"{HOOK}2", {"said": message}),
    ]
    assert sent[1].headers["x-who"] == "me"
    cloud.time.now += 61
    await post(demo, "two")
    assert [each.url for each in sent[2:]] == [f"{HOOK}2"]
    assert len((await demo.get(SUBSCRIPTIONS, headers=CLIENT))["subscriptions"]) == 2


async def test_a_subscriber_may_be_called_by_a_trust_of_who_subscribed(
    cloud: Cloud, demo: User, sent: list[Delivery]
) -> None:
    body = {"subscriber": f"trust+{HOOK}", "ttl": 3600}
    made = await demo.post(SUBSCRIPTIONS, body, headers=CLIENT)
    path = f"{SUBSCRIPTIONS}/{made['subscription_id']}"
    shown = await demo.get(path, headers=CLIENT)
    assert list(shown["options"]) == ["trust_id"]
    await post(demo, "one")
    token = sent[0].headers["x-auth-token"]
    assert (sent[0].url, cloud.dev.world.tokens[token].user_id) == (HOOK, demo.user_id)
    assert await demo.status("DELETE", path, headers=CLIENT) == 204
    assert list(cloud.dev.store.all("identity.trusts")) == []


async def test_a_subscriber_whose_trust_is_lost_is_called_no_more(demo: User, sent: list[Delivery]) -> None:
    made = await demo.post(SUBSCRIPTIONS, {"subscriber": f"trust+{HOOK}"}, headers=CLIENT)
    path = f"{SUBSCRIPTIONS}/{made['subscription_id']}"
    assert await demo.status("PATCH", path, {"options": {}}, headers=CLIENT) == 204
    await post(demo, "one")
    assert sent == []


async def test_a_token_of_a_trust_delegates_nothing(cloud: Cloud, demo: User) -> None:
    body = {
        "trust": {
            "trustor_user_id": demo.user_id,
            "trustee_user_id": demo.user_id,
            "project_id": demo.project_id,
            "impersonation": True,
            "roles": [{"name": "member"}],
        }
    }
    trust = (await demo.post("/identity/v3/OS-TRUST/trusts", body))["trust"]["id"]
    identity = {"methods": ["token"], "token": {"id": demo.token}}
    auth = {"auth": {"identity": identity, "scope": {"OS-TRUST:trust": {"id": trust}}}}
    reply = await cloud.http.post("/identity/v3/auth/tokens", json=auth)
    by_trust = replace(demo, token=reply.headers["x-subject-token"])
    wanted = {"subscriber": f"trust+{HOOK}"}
    assert await by_trust.status("POST", SUBSCRIPTIONS, wanted, headers=CLIENT) == 503
    assert await by_trust.status("POST", SUBSCRIPTIONS, {"subscriber": HOOK}, headers=CLIENT) == 201


async def test_wrong_subscriptions_are_refused_and_none_is_made_twice(demo: User) -> None:
    made = await demo.post(SUBSCRIPTIONS, {"subscriber": HOOK}, headers=CLIENT)
    await demo.post(SUBSCRIPTIONS, {"subscriber": f"{HOOK}2"}, headers=CLIENT)
    path = f"{SUBSCRIPTIONS}/{made['subscription_id']}"
    assert await demo.status("PATCH", path, {"subscriber": f"{HOOK}2"}, headers=CLIENT) == 409
    assert await demo.status("PATCH", path, {"subscriber": HOOK, "ttl": 60}, headers=CLIENT) == 204
    for wrong in ({}, {"subscriber": "ftp://x"}, {"ttl": 5}, {"options": "x"}):
        assert await demo.status("PATCH", path, wrong, headers=CLIENT) == 400
    assert await demo.status("POST", SUBSCRIPTIONS, {"ttl": 60}, headers=CLIENT) == 400
    assert await demo.status("PATCH", f"{SUBSCRIPTIONS}/none", {"ttl": 60}, headers=CLIENT) == 404
    assert await demo.status("DELETE", QUEUE, headers=CLIENT) == 204
    assert await demo.status("GET", path, headers=CLIENT) == 404


# --- signed URLs ----------------------------------------------------------------------------------------


def signed_headers(signed: dict[str, Any]) -> dict[str, str]:
    return {
        "URL-Signature": signed["signature"],
        "URL-Expires": signed["expires"],
        "URL-Paths": ",".join(signed["paths"]),
        "URL-Methods": ",".join(signed["methods"]),
        "X-Project-ID": signed["project"],
        **OTHER,
    }


async def test_who_has_a_signed_url_needs_no_token(cloud: Cloud, demo: User) -> None:
    body = {"methods": ["POST", "GET"], "paths": ["messages"]}
    headers = signed_headers(await demo.post(f"{QUEUE}/share", body, headers=CLIENT))
    message = {"messages": [{"body": "hi", "ttl": 60}]}

    async def status(method: str, path: str, **changed: str) -> int:
        json = message if method == "POST" else None
        return (await cloud.http.request(method, path, json=json, headers=headers | changed)).status_code

    assert await status("POST", f"{QUEUE}/messages") == 201
    assert await bodies(demo, headers=CLIENT) == ["hi"]
    assert await status("GET", f"{QUEUE}/messages?echo=true") == 200
    assert await status("DELETE", f"{QUEUE}/messages?pop=1") == 403
    assert await status("GET", SUBSCRIPTIONS) == 403
    assert await status("GET", "/messaging/v2/queues/other/messages") == 403
    assert await status("GET", f"{QUEUE}/messages", **{"X-Project-ID": "other"}) == 403
    assert await status("GET", f"{QUEUE}/messages", **{"URL-Methods": "GET,POST,PUT"}) == 403
    cloud.time.now += 86401
    assert await status("GET", f"{QUEUE}/messages") == 403


async def test_what_cannot_be_signed_is_refused(demo: User) -> None:
    for wrong in (
        {"methods": ["HEAD"]},
        {"paths": ["stats"]},
        {"expires": "soon"},
        {"expires": "2020-01-01T00:00:00"},
    ):
        assert await demo.status("POST", f"{QUEUE}/share", wrong, headers=CLIENT) == 400
