"""The URLs of scaling policies: signed ones, and those for a token."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest_asyncio

from stackd.app import make_asgi, make_cfn_asgi
from tests.routers.conftest import ORIGIN, Api, served, signed_in
from tests.support.engine import world
from tests.support.templates import hot
from tests.support.waiting import until

CFN = "http://127.0.0.1:8000"
GROUP = {"min_size": 1, "max_size": 3, "resource": {"type": "OS::Heat::TestResource"}}
UP = {
    "auto_scaling_group_id": {"get_resource": "group"},
    "adjustment_type": "change_in_capacity",
    "scaling_adjustment": 1,
}
AWS_DOWN = {
    "AutoScalingGroupName": {"get_resource": "group"},
    "AdjustmentType": "PercentChangeInCapacity",
    "ScalingAdjustment": -50,
}
TEMPLATE = hot(
    {
        "group": {"type": "OS::Heat::AutoScalingGroup", "properties": GROUP},
        "up": {"type": "OS::Heat::ScalingPolicy", "properties": UP},
        "down": {"type": "AWS::AutoScaling::ScalingPolicy", "properties": AWS_DOWN},
    }
) | {
    "outputs": {
        "size": {"value": {"get_attr": ["group", "current_size"]}},
        "up": {"value": {"get_attr": ["up", "alarm_url"]}},
        "up native": {"value": {"get_attr": ["up", "signal_url"]}},
        "down": {"value": {"get_resource": "down"}},
        "down too": {"value": {"get_attr": ["down", "AlarmUrl"]}},
    }
}


@pytest_asyncio.fixture
async def apis(tmp_path_factory: Any) -> AsyncIterator[tuple[Api, httpx.AsyncClient]]:
    async with world(tmp_path_factory.mktemp("cfn")) as made, served(made) as parts:
        native = httpx.AsyncClient(transport=httpx.ASGITransport(make_asgi(parts)), base_url=ORIGIN)
        cfn = httpx.AsyncClient(transport=httpx.ASGITransport(make_cfn_asgi(parts)), base_url=CFN)
        async with native, cfn:
            yield await signed_in(parts, native, "demo"), cfn


async def test_whoever_has_the_signed_url_or_a_token_changes_the_size(
    apis: tuple[Api, httpx.AsyncClient],
) -> None:
    native, cfn = apis
    path = await native.create("scaled", TEMPLATE)

    async def output(name: str) -> Any:
        return (await native.get(f"{path}/outputs/{name}"))["output"]["output_value"]

    async def grown(size: int) -> None:
        async def has_size() -> bool:
            return bool(await output("size") == size)

        await until(has_size)

    up, down = await output("up"), await output("down")
    assert down == await output("down too")
    assert urlsplit(up).path.startswith("/v1/signal/")
    assert "Expires" not in up
    alarm = {"current": "alarm", "previous": "ok", "reason": "hot"}
    assert (await cfn.post(up, json=alarm)).status_code == 200
    await grown(2)
    events = (await native.get(f"{path}/resources/up/events"))["events"]
    told = [each["resource_status_reason"] for each in events if each["resource_status"] == "SIGNAL_COMPLETE"]
    assert told == ["alarm state changed from ok to alarm (hot)"]
    answer = await native.raw("POST", urlsplit(await output("up native")).path, json={})
    assert answer.status_code == 200
    await grown(3)
    assert (await cfn.post(down)).status_code == 200
    await grown(2)

    other = await native.call("POST", f"{path}/resources/group/signal", {})
    assert other.status_code == 400
    changed = up.replace("/resources/up", "/resources/down")
    assert (await cfn.post(changed)).status_code == 403
