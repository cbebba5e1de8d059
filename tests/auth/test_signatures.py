from dataclasses import replace
from datetime import UTC, datetime

import httpx
import orjson
import pytest
import respx
from structlog.testing import capture_logs

from stackd.auth.signatures import SignatureValidator, SignedRequest, is_dated, refuse_expired
from stackd.clients import Clouds
from stackd.errors import ServiceUnavailable, SignatureExpired, SignatureMismatch, UnknownAccessKey

from .conftest import KEYSTONE, SERVICE, token_body

EC2 = f"{KEYSTONE}/ec2tokens"
SIGNED = SignedRequest("access", "sig", "h:8000", "GET", "/v1/", {"Action": "ListStacks"}, {}, "0" * 64)
NOW = datetime(2026, 1, 1, tzinfo=UTC)
GOOD = httpx.Response(200, json=token_body(), headers={"X-Subject-Token": "made"})


@pytest.fixture
async def validator(clouds: Clouds) -> SignatureValidator:
    return SignatureValidator(clouds.cloud(SERVICE), clock=lambda: NOW)


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
        with pytest.raises(SignatureMismatch):
            await validator.validate(SIGNED)
    assert keystone["login"].call_count == 2


@pytest.mark.parametrize("status", [403, 500])
async def test_trouble_of_ours_is_not_blamed_on_the_caller(
    keystone: respx.MockRouter, validator: SignatureValidator, status: int
) -> None:
    keystone.post(EC2).respond(status)
    with pytest.raises(ServiceUnavailable), capture_logs() as lines:
        await validator.validate(SIGNED)
    [line] = [each for each in lines if each["event"] == "signature_not_checked"]
    assert "the service user needs the role" in line["remedy"]


async def test_key_that_keystone_does_not_know_is_told_from_a_wrong_signature(
    keystone: respx.MockRouter, validator: SignatureValidator
) -> None:
    keystone.post(EC2).respond(404)
    with pytest.raises(UnknownAccessKey):
        await validator.validate(SIGNED)


async def test_caller_is_known_for_seconds_by_the_whole_request(
    keystone: respx.MockRouter, validator: SignatureValidator
) -> None:
    route = keystone.post(EC2).mock(return_value=GOOD)
    for request in (SIGNED, SIGNED, replace(SIGNED, path="/"), replace(SIGNED, body_hash="1" * 64)):
        await validator.validate(request)
    assert route.call_count == 3


async def test_parameters_of_a_body_that_is_signed_by_its_hash_are_not_sent(
    keystone: respx.MockRouter, validator: SignatureValidator
) -> None:
    route = keystone.post(EC2).mock(return_value=GOOD)
    headers = {"Authorization": "AWS4-HMAC-SHA256 x", "X-Amz-Date": "20260101T000000Z"}
    await validator.validate(replace(SIGNED, verb="POST", headers=headers))
    assert orjson.loads(route.calls.last.request.content)["ec2Credentials"]["params"] == {}


@pytest.mark.parametrize(
    ("changes", "valid"),
    [
        ({"params": {}}, True),
        ({"params": {"Timestamp": "2025-12-31T23:45:00Z"}}, True),
        ({"params": {"Timestamp": "2025-12-31T23:44:59Z"}}, False),
        ({"params": {"Timestamp": "2026-01-01T00:15:00"}}, True),
        ({"params": {"Timestamp": "2026-01-01T00:15:01"}}, False),
        ({"params": {"Expires": "2026-01-01T00:00:01Z"}}, True),
        ({"params": {"Expires": "2026-01-01T00:00:00Z"}}, False),
        ({"params": {"X-Amz-Date": "20251231T235959Z", "X-Amz-Expires": "1"}}, True),
        ({"params": {"X-Amz-Date": "20251231T235958Z", "X-Amz-Expires": "1"}}, False),
        ({"headers": {"Authorization": "x", "X-Amz-Date": "20260101T000000Z"}}, True),
        ({"headers": {"Authorization": "x", "Date": "20250101T000000Z"}}, False),
        ({"headers": {"Authorization": "x"}}, False),
    ],
)
def test_time_of_a_signature(changes: dict[str, dict[str, str]], valid: bool) -> None:
    request = replace(SIGNED, **changes)  # type: ignore[arg-type]
    assert is_dated(request) is (changes != {"params": {}})
    if valid:
        refuse_expired(request, NOW)
    else:
        with pytest.raises(SignatureExpired):
            refuse_expired(request, NOW)
