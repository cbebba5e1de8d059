"""Stacks that are measured: templates by size, and a stack's creation over HTTP."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from typing import Any, Final

from bench.processes import System

PATIENCE: Final = 300.0
"""Seconds after which a stack is given up."""


def template(resources: Mapping[str, Any]) -> dict[str, Any]:
    """A template of these resources."""
    return {"heat_template_version": "2018-08-31", "resources": dict(resources)}


def many(count: int, kind: str, properties: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """A template of independent resources of one type."""
    resource = {"type": kind} | ({"properties": dict(properties)} if properties else {})
    return template({f"r{number}": resource for number in range(count)})


def chain(length: int) -> dict[str, Any]:
    """A template in which each resource waits for the one before it."""
    resources: dict[str, Any] = {}
    for number in range(length):
        value = {"get_attr": [f"r{number - 1}", "output"]} if number else "start"
        resources[f"r{number}"] = {"type": "OS::Heat::TestResource", "properties": {"value": value}}
    return template(resources)


async def create(target: System, name: str, body: dict[str, Any]) -> float:
    """Create the stack and return the seconds until it was seen to be complete."""
    begun = time.perf_counter()
    payload = {"stack_name": name, "template": body, "timeout_mins": 60}
    async with target.http.post(f"{target.base}/stacks", json=payload, headers=target.headers) as answer:
        if answer.status != 201:
            raise RuntimeError(f"create {name}: HTTP {answer.status}: {(await answer.text())[:2000]}")
        stack_id = (await answer.json())["stack"]["id"]
    url = f"{target.base}/stacks/{name}/{stack_id}?resolve_outputs=false"
    pause = 0.002
    while time.perf_counter() - begun < PATIENCE:
        async with target.http.get(url, headers=target.headers) as answer:
            stack = (await answer.json())["stack"]
        if stack["stack_status"] == "CREATE_COMPLETE":
            return time.perf_counter() - begun
        if not stack["stack_status"].endswith("IN_PROGRESS"):
            raise RuntimeError(f"{name} is {stack['stack_status']}: {stack['stack_status_reason']}")
        await asyncio.sleep(pause)
        pause = min(pause * 1.2, 0.05)
    raise RuntimeError(f"{name} was not complete after {PATIENCE} s")


async def stack_url(target: System, name: str) -> str:
    """The full URL of a stack."""
    async with target.http.get(f"{target.base}/stacks/{name}", headers=target.headers) as answer:
        stack = (await answer.json())["stack"]
    return f"{target.base}/stacks/{name}/{stack['id']}"
