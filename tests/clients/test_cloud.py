import asyncio
import json
from datetime import UTC, datetime

import httpx
import orjson
import pytest
import respx

from stackd.clients import (
    ApplicationCredential,
    Cloud,
    Clouds,
    PasswordCredentials,
    Scope,
    TokenCredentials,
    TrustCredentials,
)
from stackd.clients.credentials import auth_request, credentials_key
from stackd.clients.session import Session
from stackd.errors import CloudUnauthorized, Fenced, Transient

from .conftest import DEMO, KEYSTONE, token_body

HEAT = PasswordCredentials("pw", user_id="heat")


async def test_nothing_is_asked_before_the_first_call(api: respx.MockRouter, clouds: Clouds) -> None:
    cloud = clouds.cloud(DEMO)
    assert not api["login"].called
    with pytest.raises(RuntimeError):
        _ = cloud.project_id


async def test_cloud_knows_whom_it_speaks_for(api: respx.MockRouter, clouds: Clouds) -> None:
    cloud = await clouds.open(DEMO)
    assert (cloud.project_id, cloud.user_id, cloud.roles) == ("p1", "u1", ("member", "reader"))
    assert await cloud.has_service("volume")
    assert not await cloud.has_service("dns")


async def test_services_are_those_of_the_latest_token(api: respx.MockRouter, clouds: Clouds) -> None:
    bodies = [token_body(), token_body(catalog=[])]
    api["login"].side_effect = [
        httpx.Response(201, json=body, headers={"X-Subject-Token": f"token-{number}"})
        for number, body in enumerate(bodies)
    ]
    now = datetime(2998, 12, 31, 23, 0, tzinfo=UTC)
    cloud = Cloud(Session(clouds.wire, clouds.keystone, DEMO, now=lambda: now))
    assert [await cloud.has_service(kind) for kind in ("volume", "volume", "dns")] == [True, True, False]
    now = datetime(2998, 12, 31, 23, 59, tzinfo=UTC)
    assert not await cloud.has_service("volume")


async def test_many_calls_wait_for_one_token(api: respx.MockRouter, clouds: Clouds) -> None:
    api.get("http://nova/v2.1/servers").respond(json={})
    cloud = clouds.cloud(DEMO)
    await asyncio.gather(*(cloud.compute.get("/servers") for _ in range(20)))
    assert api["login"].call_count == 1


async def test_token_is_replaced_before_it_expires(api: respx.MockRouter, clouds: Clouds) -> None:
    now = datetime(2998, 12, 31, 23, 0, tzinfo=UTC)
    cloud = Cloud(Session(clouds.wire, clouds.keystone, DEMO, now=lambda: now))
    assert (await cloud.token()).id == "token-1"
    assert (await cloud.token()).id == "token-1"
    now = datetime(2998, 12, 31, 23, 59, tzinfo=UTC)
    assert (await cloud.token()).id == "token-2"


async def test_refused_token_is_replaced_once_for_all_calls(api: respx.MockRouter, clouds: Clouds) -> None:
    def only_second(request: httpx.Request) -> httpx.Response:
        good = request.headers["x-auth-token"] == "token-2"
        return httpx.Response(200 if good else 401, json={})

    api.get("http://nova/v2.1/servers").mock(side_effect=only_second)
    cloud = await clouds.open(DEMO)
    await asyncio.gather(*(cloud.compute.get("/servers") for _ in range(4)))
    assert api["login"].call_count == 2


async def test_service_that_refuses_every_token_is_asked_twice(api: respx.MockRouter, clouds: Clouds) -> None:
    route = api.get("http://nova/v2.1/servers").respond(401)
    cloud = await clouds.open(DEMO)
    with pytest.raises(CloudUnauthorized):
        await cloud.compute.get("/servers")
    assert route.call_count == 2


async def test_a_callers_token_is_used_as_it_is_and_not_renewed(
    api: respx.MockRouter, clouds: Clouds
) -> None:
    read = api.get(f"{KEYSTONE}/auth/tokens").respond(json=token_body())
    api.get("http://nova/v2.1/servers").respond(401)
    cloud = await clouds.open(TokenCredentials("theirs"))
    assert cloud.project_id == "p1"
    assert read.calls.last.request.headers["x-subject-token"] == "theirs"
    with pytest.raises(CloudUnauthorized, match="new token"):
        await cloud.compute.get("/servers")
    assert not api["login"].called


async def test_wrong_password_is_unauthorized(api: respx.MockRouter, clouds: Clouds) -> None:
    api["login"].side_effect = None
    api["login"].respond(401, json={"error": {"message": "Who are you?"}})
    with pytest.raises(CloudUnauthorized, match="Who are you"):
        await clouds.open(DEMO)


async def test_keystone_is_asked_again_when_it_does_not_answer(api: respx.MockRouter, clouds: Clouds) -> None:
    good = httpx.Response(201, json=token_body(), headers={"X-Subject-Token": "t"})
    api["login"].side_effect = [httpx.ReadError("reset"), httpx.Response(502), good]
    assert (await (clouds.cloud(DEMO)).token()).id == "t"
    api["login"].side_effect = httpx.ConnectError("refused")
    with pytest.raises(Transient):
        await clouds.open(HEAT)


def test_each_kind_of_credentials_asks_in_its_own_way() -> None:
    trust = auth_request(TrustCredentials("t1", HEAT))
    assert trust["auth"]["scope"] == {"OS-TRUST:trust": {"id": "t1"}}
    assert trust["auth"]["identity"]["password"]["user"] == {"id": "heat", "password": "pw"}
    named = auth_request(DEMO)["auth"]
    assert named["scope"]["project"] == {"name": "demo", "domain": {"id": "default"}}
    application = auth_request(ApplicationCredential("s", id="a1"))["auth"]
    assert application == {
        "identity": {
            "methods": ["application_credential"],
            "application_credential": {"id": "a1", "secret": "s"},
        }
    }
    by_name = auth_request(ApplicationCredential("s", name="n", user_id="u"))["auth"]["identity"]
    assert by_name["application_credential"] == {"name": "n", "user": {"id": "u"}, "secret": "s"}


@pytest.mark.parametrize(
    ("scope", "sent"),
    [
        (Scope(), None),
        (Scope(project_id="p"), {"project": {"id": "p"}}),
        (
            Scope(project_name="p", project_domain_name="D"),
            {"project": {"name": "p", "domain": {"name": "D"}}},
        ),
        (Scope(domain_id="d"), {"domain": {"id": "d"}}),
        (Scope(domain_name="D"), {"domain": {"name": "D"}}),
        (Scope(system=True), {"system": {"all": True}}),
    ],
)
def test_scope_is_sent_as_keystone_wants_it(scope: Scope, sent: object) -> None:
    body = auth_request(PasswordCredentials("pw", user_id="u", scope=scope))
    assert body["auth"].get("scope") == sent


def test_secrets_are_in_no_repr_and_no_key() -> None:
    secret = "open-sesame"
    kinds = [
        PasswordCredentials(secret, user_id="u"),
        TokenCredentials(secret),
        ApplicationCredential(secret, id="a"),
        TrustCredentials("t", PasswordCredentials(secret, user_id="u")),
    ]
    assert all(secret not in repr(kind) + credentials_key(kind) for kind in kinds)
    assert len({credentials_key(kind) for kind in kinds}) == len(kinds)
    assert credentials_key(TokenCredentials("a")) != credentials_key(TokenCredentials("b"))


async def test_trust_is_taken_up_by_the_service_user(api: respx.MockRouter, clouds: Clouds) -> None:
    await clouds.open(TrustCredentials("t1", HEAT))
    sent = orjson.loads(api["login"].calls.last.request.content)
    assert sent["auth"]["scope"] == {"OS-TRUST:trust": {"id": "t1"}}


def fenced() -> None:
    raise Fenced


async def test_permit_is_asked_before_each_change_and_not_before_reads(
    api: respx.MockRouter, clouds: Clouds
) -> None:
    asked: list[str] = []
    changed = api.route(method__in=["POST", "PUT", "PATCH", "DELETE"], host="nova").respond(json={})
    api.get("http://nova/v2.1/servers/a").respond(json={})
    cloud = clouds.cloud(DEMO)
    permitted = cloud.with_permit(lambda: asked.append("may I?"))
    for nova in (permitted.compute, cloud.compute):
        await nova.get("/servers/a")
        await nova.post("/servers", {})
        await nova.put("/servers/a", {})
        await nova.patch("/servers/a", {})
        await nova.delete("/servers/a")
        await nova.request("GET", "/servers/a", idempotent=True)  # as services have it that change by GET
    assert len(asked) == 5
    late = cloud.with_permit(fenced).compute
    await late.get("/servers/a")
    for change in (late.post("/servers", {}), late.put("/servers/a", {}), late.delete("/servers/a")):
        with pytest.raises(Fenced):
            await change
    assert changed.call_count == 8


async def test_permit_that_ends_between_two_attempts_stops_the_second(
    api: respx.MockRouter, clouds: Clouds
) -> None:
    refused = api.post("http://nova/v2.1/servers").respond(503)
    permits = iter([None])

    def once() -> None:
        if next(permits, fenced) is not None:
            raise Fenced

    with pytest.raises(Fenced):
        await clouds.cloud(DEMO).with_permit(once).compute.post("/servers", {})
    assert refused.call_count == 1


async def test_permitted_clouds_share_their_token_and_their_bulk_creates(
    api: respx.MockRouter, clouds: Clouds
) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        body = json.loads(request.content)
        made = [{"id": "id", **each} for each in body.get("networks", [body.get("network")])]
        return httpx.Response(201, json={"networks": made} if "networks" in body else {"network": made[0]})

    created = api.post("http://neutron/v2.0/networks").mock(side_effect=answer)
    cloud = clouds.cloud(DEMO)

    async def create(name: str, permitted: Cloud) -> None:
        await permitted.network.post("/networks", {"network": {"name": name}})

    await asyncio.gather(*(create(name, cloud.with_permit(lambda: None)) for name in "abc"))
    assert (created.call_count, api["login"].call_count) == (1, 1)
    good, late = await asyncio.gather(
        create("d", cloud.with_permit(lambda: None)),
        create("e", cloud.with_permit(fenced)),
        return_exceptions=True,
    )
    assert (good, type(late)) == (None, Fenced)
    assert created.call_count == 2
