import httpx
import orjson
import pytest
import respx

from stackd.auth.passwords import PasswordValidator
from stackd.clients import Clouds, PasswordCredentials, Scope
from stackd.errors import ServiceUnavailable, Unauthorized

from .conftest import token_body

USER = PasswordCredentials("pw", user_name="demo", scope=Scope(project_id="p1"))


@pytest.fixture
async def validator(clouds: Clouds) -> PasswordValidator:
    return PasswordValidator(clouds.wire, clouds.keystone, allowed=("http://other/v3",))


async def test_password_becomes_a_caller_with_a_token(
    keystone: respx.MockRouter, validator: PasswordValidator
) -> None:
    for _ in range(3):
        caller = await validator.validate(USER)
    assert (caller.user_id, caller.token) == ("u1", "service-token")
    assert keystone["login"].call_count == 1
    sent = orjson.loads(keystone["login"].calls.last.request.content)["auth"]
    assert sent["scope"] == {"project": {"id": "p1"}}


async def test_wrong_password_is_refused_and_remembered(
    keystone: respx.MockRouter, validator: PasswordValidator
) -> None:
    keystone["login"].side_effect = None
    keystone["login"].respond(401)
    for _ in range(3):
        with pytest.raises(Unauthorized):
            await validator.validate(USER)
    assert keystone["login"].call_count == 1
    with pytest.raises(Unauthorized):
        await validator.validate(PasswordCredentials("", user_name="demo"))


async def test_only_allowed_keystones_are_asked(
    keystone: respx.MockRouter, validator: PasswordValidator
) -> None:
    other = keystone.post("http://other/v3/auth/tokens").respond(
        201, json=token_body(), headers={"X-Subject-Token": "theirs"}
    )
    assert (await validator.validate(USER, "http://other/v3/")).token == "theirs"
    assert (await validator.validate(USER)).token == "service-token"
    with pytest.raises(Unauthorized, match="http://evil/v3"):
        await validator.validate(USER, "http://evil/v3")
    assert other.call_count == 1


async def test_silent_keystone_is_no_refusal(
    keystone: respx.MockRouter, validator: PasswordValidator
) -> None:
    keystone["login"].side_effect = httpx.ConnectError("refused")
    with pytest.raises(ServiceUnavailable):
        await validator.validate(USER)
