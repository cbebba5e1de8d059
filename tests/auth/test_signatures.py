import httpx
import orjson
import pytest
import respx

from stackd.auth.signatures import SignatureValidator, SignedRequest
from stackd.clients import Clouds
from stackd.errors import ServiceUnavailable, Unauthorized

from .conftest import KEYSTONE, SERVICE, token_body

EC2 = f"{KEYSTONE}/ec2tokens"
SIGNED = SignedRequest(
    "access", "sig", "h:8000", "POST", "/v1/", {"Action": "ListStacks"}, {"Authorization": "AWS4 x"}, "0" * 64
)
GOOD = httpx.Response(200, json=token_body(), headers={"X-Subject-Token": "made"})


@pytest.fixture
async def validator(clouds: Clouds) -> SignatureValidator:
    return SignatureValidator(clouds.cloud(SERVICE))


async def test_signature_becomes_its_caller(
    keystone: respx.MockRouter, validator: SignatureValidator
) -> None:
    route = keystone.post(EC2).mock(return_value=GOOD)
    caller = await validator.validate(SIGNED)
    assert (caller.user_id, caller.project_id, caller.token) == ("u1", "p1", "made")
    request = route.calls.last.request
    assert request.headers["x-auth-token"] == "service-token"
    sent = orjson.loads(request.content)["ec2Credentials"]
    assert sent["params"] == {"Action": "ListStacks"}
    assert sent["access"] == "access"


async def test_revoked_service_token_is_renewed(
    keystone: respx.MockRouter, validator: SignatureValidator
) -> None:
    keystone.post(EC2).mock(side_effect=[httpx.Response(401), GOOD])
    assert (await validator.validate(SIGNED)).user_id == "u1"
    assert keystone["login"].call_count == 2


async def test_wrong_signatures_do_not_make_us_log_in_each_time(
    keystone: respx.MockRouter, validator: SignatureValidator
) -> None:
    keystone.post(EC2).respond(401)
    for _ in range(5):
        with pytest.raises(Unauthorized):
            await validator.validate(SIGNED)
    assert keystone["login"].call_count == 2


@pytest.mark.parametrize("status", [403, 500])
async def test_trouble_of_ours_is_not_blamed_on_the_caller(
    keystone: respx.MockRouter, validator: SignatureValidator, status: int
) -> None:
    keystone.post(EC2).respond(status)
    with pytest.raises(ServiceUnavailable):
        await validator.validate(SIGNED)
