"""Members that are added to a pool by one call: what is sent, what is taken for made, what is left."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from typing import Any

import httpx
import pytest
import respx

from stackd.clients import Clouds
from stackd.clients.additions import add, addition_at
from stackd.clients.failures import AnswerLost
from stackd.clients.microversions import newest_version, versions_url
from stackd.errors import CloudConflict, CloudError, CredentialsLost, OverQuota, StackdError, Transient
from tests.clients.conftest import DEMO

PATH = "/lbaas/pools/p/members"
RULE = addition_at("load-balancer", PATH)
STATUS = "provisioning_status"


def member(name: str, port: int, **more: Any) -> dict[str, Any]:
    return {"name": name, "address": "10.0.0.7", "protocol_port": port, **more}


class Pool:
    """A pool and its members. A PUT ``raises`` what it is told to, whether it ``does`` its work or not."""

    def __init__(self, *there: dict[str, Any], version: tuple[int, int] = (2, 11)) -> None:
        self.members = [{"id": f"old-{each['name']}", STATUS: "ACTIVE", **each} for each in there]
        self.newest = version
        self.calls: list[str] = []
        self.sent: list[Any] = []
        self.raises: StackdError | None = None
        self.does = True
        self.meanwhile: Callable[[], None] = lambda: None
        self.unlisted: StackdError | None = None

    async def version(self) -> tuple[int, int]:
        return self.newest

    async def list_all(self, path: str, key: str = "") -> list[Any]:
        assert (path, key) == (PATH, "members")
        self.calls.append("GET")
        if self.unlisted is not None and self.sent:
            raise self.unlisted
        return [dict(each) for each in self.members]

    async def request(
        self, method: str, path: str, *, json: Any, params: Mapping[str, Any], idempotent: bool
    ) -> None:
        assert (method, path, params, idempotent) == ("PUT", PATH, {"additive_only": True}, False)
        self.calls.append("PUT")
        self.sent += [each["name"] for each in json["members"]]
        self.meanwhile()
        if self.does:
            for each in json["members"]:
                self._put(each)
        if self.raises is not None:
            raise self.raises

    def _put(self, asked: dict[str, Any]) -> None:
        for there in self.members:
            if RULE.place(there) == RULE.place(asked):
                there |= {**asked, STATUS: "PENDING_UPDATE"}
                return
        self.members.insert(0, {"id": f"new-{asked['name']}", STATUS: "PENDING_CREATE", **asked})


async def added(pool: Pool, *bodies: dict[str, Any]) -> list[str | None]:
    """The ids of what was added."""
    return [made["id"] if made else None for made in await add(pool, PATH, RULE, bodies)]


async def test_several_are_added_by_one_call_and_known_by_their_names() -> None:
    pool = Pool(member("theirs", 9))
    assert await added(pool, member("a", 1), member("b", 2), member("c", 3)) == ["new-a", "new-b", "new-c"]
    assert pool.calls == ["GET", "PUT", "GET"]


async def test_what_is_there_is_neither_sent_nor_taken() -> None:
    pool = Pool(member("theirs", 2, weight=7))
    assert await added(pool, member("a", 1), member("b", 2)) == ["new-a", None]
    assert (pool.sent, pool.members[1]["weight"]) == (["a"], 7)


async def test_what_is_there_by_its_own_name_was_made_before() -> None:
    pool = Pool(member("a", 1))
    assert await added(pool, member("a", 1)) == ["old-a"]
    assert pool.calls == ["GET"]


async def test_of_two_at_one_place_the_second_is_left() -> None:
    pool = Pool()
    assert await added(pool, member("a", 1), member("b", 1)) == ["new-a", None]


async def test_what_came_between_the_read_and_the_call_is_not_taken() -> None:
    pool = Pool()
    pool.meanwhile = lambda: pool.members.append({"id": "theirs", STATUS: "ACTIVE", **member("theirs", 1)})
    assert await added(pool, member("a", 1), member("b", 2)) == [None, "new-b"]


@pytest.mark.parametrize("refusal", [CloudError("weight", status=400), OverQuota("quota", status=403)])
async def test_what_is_refused_together_is_left(refusal: StackdError) -> None:
    pool = Pool()
    pool.raises, pool.does = refusal, False
    assert await added(pool, member("a", 1), member("b", 2)) == [None, None]


async def test_what_was_made_in_spite_of_an_error_is_found() -> None:
    pool = Pool()
    pool.raises = CloudError("broken", status=500)
    assert await added(pool, member("a", 1), member("b", 2)) == ["new-a", "new-b"]


@pytest.mark.parametrize(
    "error", [CloudConflict("immutable"), AnswerLost("lost"), Transient("away"), CredentialsLost("expired")]
)
async def test_what_nobody_can_help_is_raised_for_all(error: StackdError) -> None:
    pool = Pool()
    pool.raises, pool.does = error, False
    with pytest.raises(type(error)):
        await added(pool, member("a", 1), member("b", 2))
    assert pool.calls == ["GET", "PUT"]


async def test_an_answer_counts_as_lost_if_it_cannot_be_read_what_was_made() -> None:
    pool = Pool()
    pool.unlisted = Transient("away", service="load-balancer")
    with pytest.raises(AnswerLost, match="away"):
        await added(pool, member("a", 1))


async def test_a_service_that_would_remove_the_others_is_not_asked() -> None:
    pool = Pool(member("theirs", 9), version=(2, 10))
    assert await added(pool, member("a", 1), member("b", 2)) == [None, None]
    assert pool.calls == []


@pytest.mark.parametrize("path", ["/lbaas/pools//members", "/lbaas/pools/p/members/m", "/lbaas/pools"])
def test_nothing_is_added_where_no_rule_is(path: str) -> None:
    with pytest.raises(LookupError, match="nothing can be added"):
        addition_at("load-balancer", path)
    with pytest.raises(LookupError):
        addition_at("network", PATH)


def test_versions_are_told_above_the_endpoint_of_one() -> None:
    assert versions_url("http://octavia:9876/v2") == "http://octavia:9876/"
    assert versions_url("https://cloud/load-balancer/v2.0") == "https://cloud/load-balancer/"
    assert versions_url("https://cloud/lb") == "https://cloud/lb/"
    listed = {"versions": [{"id": "v2.9"}, {"id": "v2.11"}, {"id": "v1"}, {"id": None}, "v3.0"]}
    assert newest_version(listed) == (2, 11)
    assert newest_version("v2") == newest_version({"versions": None}) == newest_version(None) == (0, 0)


@pytest.fixture
def octavia(api: respx.MockRouter) -> respx.MockRouter:
    """A service with one pool; it tells its version, and what is added is there."""
    pool = Pool()

    def put(request: httpx.Request) -> httpx.Response:
        for each in json.loads(request.content)["members"]:
            pool._put(each)
        return httpx.Response(202)

    api.get("http://octavia/", name="versions").respond(json={"versions": [{"id": "v2.30"}]})
    api.get(f"http://octavia/v2{PATH}", name="list").mock(
        side_effect=lambda _: httpx.Response(200, json={"members": pool.members})
    )
    api.put(f"http://octavia/v2{PATH}?additive_only=true", name="put").mock(side_effect=put)
    api.post(f"http://octavia/v2{PATH}", name="post").respond(201, json={"member": {"id": "alone"}})
    return api


async def test_those_who_join_at_one_moment_share_the_call(octavia: respx.MockRouter, clouds: Clouds) -> None:
    service = clouds.cloud(DEMO).service("load-balancer")

    async def join(name: str, port: int) -> Any:
        return await service.join(PATH, {"member": member(name, port)})

    assert (await join("z", 9))["member"]["id"] == "alone"
    made = await asyncio.gather(*(join(name, port) for port, name in enumerate("abc")))
    assert [each["member"]["id"] for each in made] == ["new-a", "new-b", "new-c"]
    assert await asyncio.gather(join("d", 0), join("e", 8)) == [None, {"member": pool_row("e", 8)}]
    calls = {name: octavia[name].call_count for name in ("versions", "list", "put", "post")}
    assert calls == {"versions": 1, "list": 4, "put": 2, "post": 1}


def pool_row(name: str, port: int) -> dict[str, Any]:
    return {"id": f"new-{name}", STATUS: "PENDING_CREATE", **member(name, port)}


async def test_where_no_version_is_told_everybody_goes_alone(
    octavia: respx.MockRouter, clouds: Clouds
) -> None:
    octavia["versions"].respond(404)
    service = clouds.cloud(DEMO).service("load-balancer")
    joined = await asyncio.gather(*(service.join(PATH, {"member": member("a", port)}) for port in (1, 2)))
    assert (joined, octavia["post"].call_count, octavia["put"].call_count) == ([None, None], 0, 0)
