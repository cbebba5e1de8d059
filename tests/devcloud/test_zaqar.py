"""Queues of the dev cloud: messages wait, are seen by others, claimed, and expire."""

from __future__ import annotations

from typing import Any

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
    assert await user.status("PUT", QUEUE, {"colour": "red"}, headers=CLIENT) == 204
    assert (await user.get(QUEUE, headers=CLIENT))["colour"] == "red"
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
