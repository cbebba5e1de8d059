from datetime import UTC, datetime

import httpx
import orjson
import pytest
import respx

from stackd.auth.trusts import (
    TrustKey,
    create_trust,
    delegated_roles,
    delete_trust,
    find_trusts,
    new_expiry,
    trust_key,
)
from stackd.clients import AnswerLost, Cloud, Clouds, TokenCredentials, TrustCredentials
from stackd.errors import CloudForbidden, MissingCredential

from .conftest import KEYSTONE, SERVICE, token_body

TRUSTS = f"{KEYSTONE}/OS-TRUST/trusts"
EXPIRY = datetime(2123, 4, 5, 6, 7, 8, tzinfo=UTC)


async def _caller(keystone: respx.MockRouter, clouds: Clouds, **token: object) -> Cloud:
    keystone.get(f"{KEYSTONE}/auth/tokens").respond(json=token_body(**token))
    return await clouds.open(TokenCredentials("theirs"))


def test_all_roles_are_lent_unless_the_operator_names_some() -> None:
    assert delegated_roles(["reader", "member"], []) == ("member", "reader")
    assert delegated_roles(["reader", "member"], ["member"]) == ("member",)


def test_role_that_the_caller_lacks_is_named() -> None:
    with pytest.raises(MissingCredential, match="heat_stack_owner"):
        delegated_roles(["member"], ["heat_stack_owner", "member"])
    with pytest.raises(MissingCredential, match="no role"):
        delegated_roles([], [])


async def test_requests_of_one_user_project_and_role_set_share_a_trust(
    keystone: respx.MockRouter, clouds: Clouds
) -> None:
    token = await (await _caller(keystone, clouds)).token()
    assert trust_key(token, []) == TrustKey("u1", "p1", ("member", "reader"))
    assert trust_key(token, ["member"]) != trust_key(token, [])


async def test_trust_lends_the_roles_in_the_project(keystone: respx.MockRouter, clouds: Clouds) -> None:
    route = keystone.post(TRUSTS).respond(201, json={"trust": {"id": "t1"}})
    caller = await _caller(keystone, clouds)
    assert await create_trust(caller, "heat", ["member"], EXPIRY) == "t1"
    assert orjson.loads(route.calls.last.request.content)["trust"] == {
        "trustor_user_id": "u1",
        "trustee_user_id": "heat",
        "project_id": "p1",
        "impersonation": True,
        "allow_redelegation": False,
        "expires_at": "2123-04-05T06:07:08.000000Z",
        "roles": [{"name": "member"}],
    }
    assert route.calls.last.request.headers["x-auth-token"] == "theirs"


async def test_a_trust_that_may_be_delegated_further_may_be_so_once(
    keystone: respx.MockRouter, clouds: Clouds
) -> None:
    route = keystone.post(TRUSTS).respond(201, json={"trust": {"id": "t1"}})
    await create_trust(await _caller(keystone, clouds), "heat", ["member"], EXPIRY, redelegated=True)
    asked = orjson.loads(route.calls.last.request.content)["trust"]
    assert (asked["allow_redelegation"], asked["redelegation_count"]) == (True, 1)


@pytest.mark.parametrize(
    ("token", "why"),
    [
        ({"OS-TRUST:trust": {"id": "t0"}}, "from a trust"),
        ({"application_credential": {"id": "a0"}}, "from an application credential"),
        ({"project": None}, "not for a project"),
    ],
)
async def test_caller_who_cannot_lend_is_told_so_before_keystone_is_asked(
    keystone: respx.MockRouter, clouds: Clouds, token: dict[str, object], why: str
) -> None:
    route = keystone.post(TRUSTS)
    caller = await _caller(keystone, clouds, **token)
    with pytest.raises(MissingCredential, match=why):
        await create_trust(caller, "heat", ["member"], EXPIRY)
    assert not route.called


@pytest.mark.parametrize("status", [403, 404])
async def test_refusal_of_keystone_is_quoted(keystone: respx.MockRouter, clouds: Clouds, status: int) -> None:
    keystone.post(TRUSTS).respond(status, json={"error": {"message": "Not with me."}})
    caller = await _caller(keystone, clouds)
    with pytest.raises(MissingCredential, match=r"Not with me\."):
        await create_trust(caller, "heat", ["member"], EXPIRY)


def test_expiries_by_which_trusts_are_recognised_are_far_away_and_differ() -> None:
    many = {new_expiry() for _ in range(100)}
    assert len(many) > 90
    assert all(2100 <= each.year < 2200 and each.microsecond == 0 for each in many)


async def test_lost_trust_is_found_by_its_expiry_and_no_other_is(
    keystone: respx.MockRouter, clouds: Clouds
) -> None:
    keystone.post(TRUSTS).mock(side_effect=httpx.ReadError("reset"))
    ours = {"id": "t1", "trustor_user_id": "u1", "project_id": "p1", "expires_at": f"{EXPIRY:%FT%T}.000000Z"}
    listed = [
        ours | {"id": "another project's", "project_id": "p2"},
        ours | {"id": "another user's", "trustor_user_id": "u2"},
        ours | {"id": "Heat's", "expires_at": None},
        ours | {"id": "another server's", "expires_at": "2123-04-05T06:07:09.000000Z"},
        ours,
    ]
    keystone.get(url__startswith=f"{TRUSTS}?").respond(json={"trusts": listed, "links": {"next": None}})
    caller = await _caller(keystone, clouds)
    with pytest.raises(AnswerLost):
        await create_trust(caller, "heat", ["member", "reader"], EXPIRY)
    service = clouds.cloud(SERVICE)
    assert await find_trusts(service, "u1", "p1", EXPIRY) == ["t1"]
    assert await find_trusts(service, "u1", "p1", EXPIRY.replace(year=2124)) == []


async def _holders(clouds: Clouds) -> tuple[Cloud, Cloud]:
    return clouds.cloud(TrustCredentials("t1", SERVICE)), clouds.cloud(SERVICE)


async def test_trust_ends_itself(keystone: respx.MockRouter, clouds: Clouds) -> None:
    route = keystone.delete(f"{TRUSTS}/t1").respond(204)
    await delete_trust("t1", *await _holders(clouds))
    assert route.call_count == 1


async def test_trust_that_is_gone_is_no_error(keystone: respx.MockRouter, clouds: Clouds) -> None:
    route = keystone.delete(f"{TRUSTS}/t1").respond(404)
    await delete_trust("t1", *await _holders(clouds))
    assert route.call_count == 1


async def test_service_user_ends_a_trust_whose_token_cannot_be_had(
    keystone: respx.MockRouter, clouds: Clouds
) -> None:
    def login(request: httpx.Request) -> httpx.Response:
        if b"OS-TRUST" in request.content:
            return httpx.Response(401)
        return httpx.Response(201, json=token_body(), headers={"X-Subject-Token": "service-token"})

    keystone["login"].side_effect = login
    route = keystone.delete(f"{TRUSTS}/t1").respond(204)
    await delete_trust("t1", *await _holders(clouds))
    assert route.calls.last.request.headers["x-auth-token"] == "service-token"


async def test_trust_that_nobody_may_end_is_an_error(keystone: respx.MockRouter, clouds: Clouds) -> None:
    keystone.delete(f"{TRUSTS}/t1").respond(403, json={"error": {"message": "No."}})
    with pytest.raises(CloudForbidden, match=r"No\."):
        await delete_trust("t1", *await _holders(clouds))
