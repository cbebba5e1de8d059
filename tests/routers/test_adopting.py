"""Export, abandon and adopt over HTTP: answers as Heat's clients know them."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from stackd.app import Parts
from tests.routers.conftest import Api
from tests.support.templates import hot

pytestmark = pytest.mark.asyncio(loop_scope="module")

TEMPLATE = hot(
    {"word": {"type": "OS::Heat::RandomString"}}, outputs={"w": {"value": {"get_attr": ["word", "value"]}}}
)


@pytest.fixture
def permitted(parts: Parts) -> Iterator[None]:
    before = parts.engine.limits
    allowed = {"enable_stack_abandon": True, "enable_stack_adopt": True}
    parts.engine.limits = before.model_copy(update=allowed)
    yield
    parts.engine.limits = before


@pytest.mark.usefixtures("permitted")
async def test_a_stack_is_exported_abandoned_and_adopted(api: Api) -> None:
    path = await api.create("archived", TEMPLATE)
    exported = await api.get(f"{path}/export")
    answer = await api.call("DELETE", f"{path}/abandon")
    assert (answer.status_code, answer.json()) == (200, exported)
    assert (await api.settled(path))["stack_status"] == "DELETE_COMPLETE"
    body = {"stack_name": "archived", "adopt_stack_data": json.dumps(exported), "timeout": 60}
    answer = await api.call("POST", "/stacks", body)
    assert answer.status_code == 201
    stack = await api.settled(f"/stacks/archived/{answer.json()['stack']['id']}")
    assert stack["stack_status"] == "ADOPT_COMPLETE"
    drawn = exported["resources"]["word"]["resource_data"]["value"]
    assert stack["outputs"][0]["output_value"] == drawn


async def test_they_are_off_by_default(api: Api) -> None:
    path = await api.create("kept", TEMPLATE)
    assert await api.refused("GET", f"{path}/export") == (
        400,
        "NotSupported",
        "Stack Export is not supported.",
    )
    assert await api.refused("DELETE", f"{path}/abandon") == (
        *(400, "NotSupported"),
        "Stack Abandon is not supported.",
    )
    body = {"stack_name": "taken", "adopt_stack_data": json.dumps({"template": TEMPLATE})}
    adoption = (400, "NotSupported", "Stack Adopt is not supported.")
    assert await api.refused("POST", "/stacks", body) == adoption
    assert await api.refused("POST", "/stacks/preview", body) == adoption
    broken = {"stack_name": "taken", "adopt_stack_data": "nope"}
    message = "Invalid adopt data: The template is not a JSON object or YAML mapping."
    assert await api.refused("POST", "/stacks", broken) == (400, "HTTPBadRequest", message)
