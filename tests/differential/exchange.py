"""Putting a case to a server, and what is kept of the answer."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Awaitable, Callable
from typing import Any

import httpx

from tests.differential.cases import Case

Call = Callable[[str, str, Any], Awaitable[httpx.Response]]
"""A call below the project: method, path, body."""

PATIENCE = 60.0
"""Seconds of the loop's time."""

_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_RANDOM = re.compile(r"(?<=-)[a-z0-9]{12}(?![a-z0-9])")
_NAME = re.compile(r"\bcase-[0-9a-f]{8}(-\w+)+")
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")


async def put(case: Case, call: Call, project: str, *, pause: float = 0.2) -> Any:
    """What the server makes of a case, without anything that differs from run to run."""
    if case.action == "validate":
        answer = await _validated(case, call)
    else:
        answer = await _stacked(case, call, pause)
    text = json.dumps(answer, sort_keys=True).replace(project, "PROJECT")
    return json.loads(scrubbed(text))


def scrubbed(text: str) -> str:
    """A text without ids, times and the random ends of names."""
    text = _TIME.sub("TIME", _UUID.sub("UUID", text))
    return _NAME.sub(lambda found: _RANDOM.sub("RANDOM", found.group()), text)


async def _validated(case: Case, call: Call) -> Any:
    response = await call("POST", "/validate", case.body)
    if response.status_code != 200:
        return refusal(response)
    shown = response.json()
    for beside in ("errors", "warnings"):
        shown.pop(beside, None)
    return {"status": 200, "body": shown}


async def _stacked(case: Case, call: Call, pause: float) -> Any:
    response = await call("POST", "/stacks", {"stack_name": case.stack_name, **case.body})
    if response.status_code != 201:
        return refusal(response)
    path = f"/stacks/{case.stack_name}/{response.json()['stack']['id']}"
    try:
        answer = {"status": 201, "stack": await _settled(path, call, pause)}
        if case.update is not None:
            method = "PUT" if "template" in case.update else "PATCH"
            response = await call(method, path, case.update)
            if response.status_code != 202:
                answer["update"] = refusal(response)
            else:
                answer["update"] = {"status": 202, "stack": await _settled(path, call, pause)}
        return answer
    finally:
        await call("DELETE", path, None)


async def _settled(path: str, call: Call, pause: float) -> Any:
    clock = asyncio.get_running_loop().time
    end = clock() + PATIENCE
    while clock() < end:
        stack = (await call("GET", path, None)).json()["stack"]
        if not stack["stack_status"].endswith("IN_PROGRESS"):
            return shown_stack(stack)
        await asyncio.sleep(pause)
    raise TimeoutError(f"{path} is still at work")


def shown_stack(stack: Any) -> Any:
    """What is compared of a stack."""
    return {
        "status": stack["stack_status"],
        "reason": stack["stack_status_reason"],
        "description": stack["description"],
        "parameters": stack["parameters"],
        "outputs": {each.pop("output_key"): each for each in stack.get("outputs", [])},
    }


def refusal(response: httpx.Response) -> Any:
    """Status, kind and text of an error."""
    shown = response.json()
    error = shown.get("error", {})
    return {
        "status": response.status_code,
        "type": error.get("type") if isinstance(error, dict) else error,
        "message": error.get("message") if isinstance(error, dict) else str(shown),
    }
