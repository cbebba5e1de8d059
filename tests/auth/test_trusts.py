import httpx
import orjson
import pytest
import respx

from stackd.auth.trusts import TrustKey, create_trust, delegated_roles, delete_trust, find_trust, trust_key
from stackd.clients import AnswerLost, Cloud, Clouds, TokenCredentials, TrustCredentials
from stackd.errors import CloudForbidden, MissingCredential

from .conftest import KEYSTONE, SERVICE, token_body

TRUSTS = f"{KEYSTONE}/OS-TRUST/trusts"


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
    caller = await _caller(keystone, clouds)
    assert await trust_key(caller, []) == TrustKey("u1", "p1", ("member", "reader"))
    assert await trust_key(caller, ["member"]) != await trust_key(caller, [])


async def test_trust_lends_the_roles_in_the_project(keystone: respx.MockRouter, clouds: Clouds) -> None:
    route = keystone.post(TRUSTS).respond(201, json={"trust": {"id": "t1"}})
    caller = await _caller(keystone, clouds)
    assert await create_trust(caller, "heat", ["member"]) == "t1"
    assert orjson.loads(route.calls.last.request.content)["trust"] == {
        "trustor_user_id": "u1",
        "trustee_user_id": "heat",
        "project_id": "p1",
        "impersonation": True,
        "allow_redelegation": False,
        "roles": [{"name": "member"}],
    }
    assert route.calls.last.request.headers["x-auth-token"] == "theirs"


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
        await create_trust(caller, "heat", ["member"])
    assert not route.called


@pytest.mark.parametrize("status", [403, 404])
async def test_refusal_of_keystone_is_quoted(keystone: respx.MockRouter, clouds: Clouds, status: int) -> None:
    keystone.post(TRUSTS).respond(status, json={"error": {"message": "Not with me."}})
    caller = await _caller(keystone, clouds)
    with pytest.raises(MissingCredential, match=r"Not with me\."):
        await create_trust(caller, "heat", ["member"])


async def test_trust_whose_answer_was_lost_is_found(keystone: respx.MockRouter, clouds: Clouds) -> None:
    keystone.post(TRUSTS).mock(side_effect=httpx.ReadError("reset"))
    listed = [{"id": "other", "project_id": "p2"}, {"id": "t1", "project_id": "p1", "expires_at": None}]
    keystone.get(url__startswith=f"{TRUSTS}?").respond(json={"trusts": listed, "links": {"next": None}})
    whole = {"id": "t1", "roles": [{"name": "member"}, {"name": "reader"}]}
    keystone.get(f"{TRUSTS}/t1").respond(json={"trust": whole})
    caller = await _caller(keystone, clouds)
    with pytest.raises(AnswerLost):
        await create_trust(caller, "heat", ["member", "reader"])
    assert await find_trust(caller, "heat", ["reader", "member"]) == "t1"
    assert await find_trust(caller, "heat", ["member"]) is None


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
