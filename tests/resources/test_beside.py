from typing import Any

import pytest

from stackd.clients.failures import AnswerLost
from stackd.errors import CloudError
from stackd.resources.beside import made_once
from stackd.resources.neutron.network import network
from tests.support.context import FakeContext

ROUTER = network("router")
BODY = {"name": "r"}
MADE = {"id": "r1", "name": "r"}


def context(*shown: list[Any]) -> FakeContext:
    ctx = FakeContext("OS::Heat::None")
    ctx.cloud.on("GET", "/routers", *({"routers": each} for each in shown))
    return ctx


async def test_object_is_made_where_there_is_none() -> None:
    ctx = context([{"id": "other", "name": "another"}])
    ctx.cloud.on("POST", "/routers", {"router": MADE})
    assert await made_once(ctx, ROUTER, BODY) == MADE
    assert ctx.cloud.sent("POST") == [{"router": BODY}]


async def test_object_that_is_there_is_taken() -> None:
    ctx = context([MADE])
    assert await made_once(ctx, ROUTER, BODY) == MADE
    assert ctx.cloud.asked() == []


@pytest.mark.parametrize(("shown", "requests"), [(([], [MADE]), 1), (([],), 2)])
async def test_object_is_made_once_whatever_is_lost(shown: tuple[list[Any], ...], requests: int) -> None:
    ctx = context(*shown)
    ctx.cloud.on("POST", "/routers", AnswerLost("?"), {"router": MADE})
    assert await made_once(ctx, ROUTER, BODY) == MADE
    assert len(ctx.cloud.sent("POST")) == requests


async def test_second_loss_is_an_error() -> None:
    ctx = context([])
    ctx.cloud.on("POST", "/routers", AnswerLost("?"))
    with pytest.raises(CloudError):
        await made_once(ctx, ROUTER, BODY)
    assert len(ctx.cloud.sent("POST")) == 2
