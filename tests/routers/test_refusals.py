"""What callers are told: all mistakes of a template at once, and what OpenStack has against a request."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import pytest

from stackd.app import make_asgi
from stackd.engine.validation.cloud_errors import as_api_error
from stackd.errors import (
    CloudConflict,
    CloudForbidden,
    CloudNotFound,
    CloudUnauthorized,
    Fenced,
    OverQuota,
    StackdError,
    Transient,
)
from tests.routers.conftest import ORIGIN, Api, served, signed_in
from tests.support.engine import world

WRONG = """\
heat_template_version: 2021-04-16
resources:
  word:
    type: OS::Heat::RandomString
    properties:
      length: many
  port:
    type: OS::Heat::Value
    properties:
      value: {get_param: someone}
outputs:
  none:
    value: {get_param: nobody}
"""


@pytest.mark.asyncio(loop_scope="module")
async def test_all_mistakes_are_told_at_once_with_place_path_and_remedy(api: Api) -> None:
    for path in ("/stacks", "/stacks/preview"):
        answer = await api.call("POST", path, {"stack_name": "wrong", "template": WRONG})
        error = answer.json()["error"]
        assert (answer.status_code, error["type"]) == (400, "StackValidationFailed")
        told = {each["path"]: each["line"] for each in error["errors"]}
        assert told == {
            "resources.port.properties.value": 10,
            "resources.word.properties.length": 6,
            "outputs.none.value": 13,
        }
        assert error["message"].replace(": :", ":") == error["errors"][0]["message"]
        assert all(each["message"] for each in error["errors"])


@pytest.mark.parametrize(
    ("raised", "code", "kind"),
    [
        (Transient("away"), 503, "HTTPServiceUnavailable"),
        (CloudForbidden("no"), 403, "Forbidden"),
        (CloudUnauthorized("who"), 401, "Unauthorized"),
        (CloudNotFound("gone"), 404, "NotFound"),
        (CloudConflict("busy"), 503, "HTTPServiceUnavailable"),
        (OverQuota("full"), 400, "RequestLimitExceeded"),
    ],
)
def test_errors_of_services_have_answers(raised: StackdError, code: int, kind: str) -> None:
    answer = as_api_error(raised)
    assert (answer.code, answer.wire_type, answer.message) == (code, kind, str(raised))


def test_other_errors_stay_as_they_are() -> None:
    error = Fenced()
    assert as_api_error(error) is error


@pytest.mark.asyncio
async def test_cloud_that_does_not_answer_or_refuses_is_no_error_of_the_server(tmp_path: Path) -> None:
    flavor = {
        "type": "OS::Nova::Server",
        "properties": {"flavor": "m1.tiny", "image": "cirros", "networks": []},
    }
    template: dict[str, Any] = {"heat_template_version": "2021-04-16", "resources": {"server": flavor}}
    async with world(tmp_path) as made, served(made, retries=0) as parts:
        transport = httpx.ASGITransport(make_asgi(parts))
        async with httpx.AsyncClient(transport=transport, base_url=ORIGIN) as client:
            api = await signed_in(parts, client, "demo")
            for status, told in ((503, (503, "HTTPServiceUnavailable")), (403, (403, "Forbidden"))):
                made.cloud.faults.replace([{"service": "compute", "status": status}])
                body = {"stack_name": "cloudless", "template": template}
                refused = await api.refused("POST", "/stacks", body)
                assert refused[:2] == told
