"""Answers to recorded requests: the same status, kind of error and shape as another implementation's."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.routers.conftest import ORIGIN, Api

pytestmark = pytest.mark.asyncio(loop_scope="module")

RECORDED = json.loads((Path(__file__).parent / "data" / "exchanges.json").read_text())

DIFFERENT = {
    "create-bad-resources-list": (400, "StackValidationFailed"),  # a list is no map, be it empty
    "validate-bad-resources-list": (400, "HTTPBadRequest"),
    "create-error-bad-rollback": (400, "HTTPBadRequest"),  # a word that means something to clients
}


def shape(body: Any) -> Any:
    """What two answers must have in common: an error's type, or the names of members."""
    if not isinstance(body, dict):
        return body
    if isinstance(body.get("error"), dict):
        return body.get("code"), body["error"].get("type", "")
    return set(body) - {"errors"}


@pytest.mark.parametrize("recorded", RECORDED, ids=lambda recorded: recorded["name"])
async def test_answer_is_like_the_recorded_one(api: Api, recorded: dict[str, Any]) -> None:
    path = recorded["path"].replace("{project}", api.project)
    headers = {**recorded["headers"]}
    if recorded["user"]:
        headers["X-Auth-Token"] = api.token
    body = recorded["body"]
    content = b"" if body in (None, "") else body if isinstance(body, str) else json.dumps(body)
    answer = await api.raw(recorded["method"], path, headers=headers, content=content)
    if recorded["name"] in DIFFERENT:
        assert shape(answer.json()) == DIFFERENT[recorded["name"]]
        return
    assert answer.status_code == recorded["status"], answer.text
    if recorded["method"] != "HEAD" and recorded["answer"] not in (None, ""):
        assert shape(answer.json()) == shape(recorded["answer"])
    if "location" in recorded:
        expected = recorded["location"].replace("{origin}", ORIGIN).replace("{project}", api.project)
        assert answer.headers["location"] == expected
