import asyncio
from datetime import UTC, datetime, timedelta

import httpx
import pytest
import respx

from stackd.auth.tokens import TokenCacheSettings, TokenValidator
from stackd.clients import Clouds
from stackd.errors import ServiceUnavailable, Unauthorized

from .conftest import KEYSTONE, SERVICE, token_body

TOKENS = f"{KEYSTONE}/auth/tokens?nocatalog"


class Clock:
    """The present, movable."""

    now = datetime(2030, 1, 1, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def validator(clouds: Clouds, clock: Clock) -> TokenValidator:
    return TokenValidator(clouds.cloud(SERVICE), now=clock)


@pytest.mark.parametrize(("shown", "expected"), [({}, False), ({"is_admin_project": True}, True)])
async def test_project_is_the_administrators_only_if_keystone_says_so(
    keystone: respx.MockRouter, validator: TokenValidator, shown: dict[str, bool], expected: bool
) -> None:
    keystone.get(TOKENS).respond(json=token_body(**shown))
    assert (await validator.validate("theirs")).is_admin_project is expected


async def test_token_becomes_its_caller(keystone: respx.MockRouter, validator: TokenValidator) -> None:
    route = keystone.get(TOKENS).respond(json=token_body(is_admin_project=False))
    caller = await validator.validate("theirs")
    assert (caller.user_id, caller.project_id, caller.roles) == ("u1", "p1", ("member", "reader"))
    assert caller.token == "theirs"
    assert not caller.is_admin_project
    assert "theirs" not in repr(caller)
    sent = route.calls.last.request.headers
    assert (sent["x-auth-token"], sent["x-subject-token"]) == ("service-token", "theirs")


async def test_keystone_is_asked_once_for_many_requests(
    keystone: respx.MockRouter, validator: TokenValidator
) -> None:
    route = keystone.get(TOKENS).respond(json=token_body())
    await asyncio.gather(*(validator.validate("theirs") for _ in range(20)))
    await validator.validate("theirs")
    assert route.call_count == 1


async def test_answer_is_forgotten_after_a_minute(
    keystone: respx.MockRouter, validator: TokenValidator, clock: Clock
) -> None:
    route = keystone.get(TOKENS).respond(json=token_body())
    await validator.validate("theirs")
    clock.now += timedelta(seconds=61)
    await validator.validate("theirs")
    assert route.call_count == 2


async def test_keystone_is_asked_again_when_the_clock_was_set_back(
    keystone: respx.MockRouter, validator: TokenValidator, clock: Clock
) -> None:
    route = keystone.get(TOKENS)
    route.side_effect = [httpx.Response(200, json=token_body()), httpx.Response(404)]
    await validator.validate("theirs")
    clock.now -= timedelta(hours=1)
    with pytest.raises(Unauthorized):
        await validator.validate("theirs")


async def test_token_is_never_good_for_longer_than_it_says(
    keystone: respx.MockRouter, validator: TokenValidator, clock: Clock
) -> None:
    soon = (clock.now + timedelta(seconds=5)).isoformat()
    route = keystone.get(TOKENS)
    route.side_effect = [httpx.Response(200, json=token_body(expires_at=soon)), httpx.Response(404)]
    await validator.validate("theirs")
    clock.now += timedelta(seconds=6)
    with pytest.raises(Unauthorized):
        await validator.validate("theirs")


async def test_invalid_token_is_remembered_for_ten_seconds(
    keystone: respx.MockRouter, validator: TokenValidator, clock: Clock
) -> None:
    route = keystone.get(TOKENS).respond(404, json={"error": {"message": "no"}})
    for _ in range(3):
        with pytest.raises(Unauthorized):
            await validator.validate("bad")
    assert route.call_count == 1
    clock.now += timedelta(seconds=11)
    with pytest.raises(Unauthorized):
        await validator.validate("bad")
    assert route.call_count == 2


@pytest.mark.parametrize("token", ["", "x" * 20_000])
async def test_what_cannot_be_a_token_is_not_asked_about(
    keystone: respx.MockRouter, validator: TokenValidator, token: str
) -> None:
    with pytest.raises(Unauthorized):
        await validator.validate(token)
    assert not keystone.calls


async def test_service_token_that_was_revoked_is_renewed(
    keystone: respx.MockRouter, validator: TokenValidator
) -> None:
    route = keystone.get(TOKENS)
    route.side_effect = [httpx.Response(401), httpx.Response(200, json=token_body())]
    assert (await validator.validate("theirs")).user_id == "u1"
    assert keystone["login"].call_count == 2


@pytest.mark.parametrize("status", [401, 403, 500, 503])
async def test_trouble_of_ours_is_not_blamed_on_the_caller(
    keystone: respx.MockRouter, validator: TokenValidator, status: int
) -> None:
    route = keystone.get(TOKENS).respond(status)
    for _ in range(2):
        with pytest.raises(ServiceUnavailable):
            await validator.validate("theirs")
    assert route.call_count >= 2


async def test_wrong_password_of_the_service_user_is_not_blamed_on_the_caller(
    keystone: respx.MockRouter, validator: TokenValidator
) -> None:
    keystone["login"].side_effect = None
    keystone["login"].respond(401)
    with pytest.raises(ServiceUnavailable):
        await validator.validate("theirs")


async def test_request_that_leaves_does_not_spoil_it_for_the_others(
    keystone: respx.MockRouter, validator: TokenValidator
) -> None:
    answer = asyncio.Event()

    async def slow(request: httpx.Request) -> httpx.Response:
        await answer.wait()
        return httpx.Response(200, json=token_body())

    keystone.get(TOKENS).mock(side_effect=slow)
    first = asyncio.create_task(validator.validate("theirs"))
    second = asyncio.create_task(validator.validate("theirs"))
    await asyncio.sleep(0.01)
    first.cancel()
    answer.set()
    assert (await second).user_id == "u1"


async def test_cache_is_bounded_and_can_forget(keystone: respx.MockRouter, clouds: Clouds) -> None:
    route = keystone.get(TOKENS).respond(json=token_body())
    validator = TokenValidator(clouds.cloud(SERVICE), TokenCacheSettings(most=2))
    for token in ("1", "2", "3", "1"):
        await validator.validate(token)
    assert route.call_count == 4
    validator.forget("1")
    await validator.validate("1")
    assert route.call_count == 5
