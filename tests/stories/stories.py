"""Stories: what users do to one stack, step by step, read from ``stories.yaml`` and put to a server.

A story has ``templates`` by name, perhaps ``files``, and ``steps``. A step is a word, or a map of one
word to what it needs: ``create``, ``update`` (the name of a template), ``suspend``, ``resume``,
``check``, ``cancel_update``, ``cancel_without_rollback``, ``delete``, ``abandon``, ``adopt`` (what the
last ``abandon`` or ``export`` gave), ``export``, ``snapshot``, ``restore``, ``forget`` (a snapshot by
its name), ``signal`` and ``unhealthy`` (a resource and a body). ``begin`` in front of a word does not
wait for the end.
"""

from __future__ import annotations

import asyncio
import json
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import yaml

from tests.differential.exchange import Call, refusal, scrubbed

HERE = Path(__file__).parent
TOLD = HERE / "told"
VERSION = "2021-04-16"
PATIENCE = 90.0
"""Seconds of the loop's time that an action has."""

BEGINS_WITHIN = 5.0
"""Seconds in which an action that was accepted shows; some are accepted and do nothing."""

_ACTIONS = frozenset({"suspend", "resume", "check", "cancel_update", "cancel_without_rollback"})
_INSTANT = frozenset({"signal", "unhealthy", "export", "abandon", "forget"})
"""Steps after which the stack is as it was, or gone."""


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that a user does."""

    verb: str
    given: Any = None
    waits: bool = True


@dataclass(frozen=True, slots=True)
class Story:
    """A stack and what is done to it."""

    name: str
    templates: Mapping[str, Any] = field(repr=False)
    steps: Sequence[Step] = field(repr=False)
    files: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: Mapping[str, Any] = field(default_factory=dict, repr=False)

    @property
    def stack_name(self) -> str:
        """The same on every server, since it may be part of the answer."""
        return f"case-{zlib.crc32(self.name.encode()):08x}"


def load_stories() -> list[Story]:
    """All stories."""
    document = yaml.safe_load((HERE / "stories.yaml").read_text())
    shared = document["templates"]
    return [_story(name, entry, shared) for name, entry in document["stories"].items()]


def _story(name: str, entry: Any, shared: Mapping[str, Any]) -> Story:
    entry = entry if isinstance(entry, dict) else {"steps": entry}
    own = {**shared, **entry.get("templates", {})}
    templates = {key: {"heat_template_version": VERSION, **each} for key, each in own.items()}
    steps = [_step(each) for each in entry["steps"]]
    return Story(name, templates, steps, entry.get("files", {}), entry.get("body", {}))


def _step(written: Any) -> Step:
    if isinstance(written, str):
        verb, given = written, None
    else:
        ((verb, given),) = written.items()
    waits = not verb.startswith("begin ")
    return Step(verb.removeprefix("begin "), given, waits)


class Teller:
    """One story, put to a server."""

    def __init__(self, story: Story, call: Call, project: str, pause: float) -> None:
        self._story = story
        self._call = call
        self._project = project
        self._pause = pause
        self._path = f"/stacks/{story.stack_name}"
        self._seen = 0
        self._data: Any = None
        self._snapshots: dict[str, str] = {}

    async def tell(self) -> list[Any]:
        """What the server makes of each step, without anything that differs from run to run."""
        answers: list[Any] = []
        try:
            for step in self._story.steps:
                response = await self._do(step)
                if response.status_code >= 300:
                    answers.append(refusal(response))
                    continue
                answer = await self._after(step)
                answers.append({"status": response.status_code, **answer})
        finally:
            await self._remove()
        text = json.dumps(answers, sort_keys=True).replace(self._project, "PROJECT")
        return list(json.loads(scrubbed(text)))

    async def _do(self, step: Step) -> httpx.Response:
        story, given = self._story, step.given
        body: dict[str, Any]
        match step.verb:
            case "create" | "adopt":
                body = {"stack_name": story.stack_name, "files": story.files, **story.body}
                body["template"] = story.templates[given or "one"]
                if step.verb == "adopt":
                    body = {"stack_name": story.stack_name, "adopt_stack_data": json.dumps(self._data)}
                    self._seen = 0
                response = await self._call("POST", "/stacks", body)
                if response.status_code == 201:
                    self._path = f"/stacks/{story.stack_name}/{response.json()['stack']['id']}"
            case "update":
                body = {"template": story.templates[given], "files": story.files}
                response = await self._call("PUT", self._path, body)
            case "delete":
                response = await self._call("DELETE", self._path, None)
            case "abandon" | "export":
                method = "DELETE" if step.verb == "abandon" else "GET"
                response = await self._call(method, f"{self._path}/{step.verb}", None)
                if response.status_code == 200:
                    self._data = response.json()
            case "snapshot":
                response = await self._call("POST", f"{self._path}/snapshots", {"name": given})
                if response.status_code == 200:
                    shown = response.json()
                    self._snapshots[given] = shown.get("snapshot", shown)["id"]
            case "restore":
                snapshot = self._snapshots[given]
                response = await self._call("POST", f"{self._path}/snapshots/{snapshot}/restore", None)
            case "forget":
                response = await self._call(
                    "DELETE", f"{self._path}/snapshots/{self._snapshots[given]}", None
                )
            case "signal":
                path = f"{self._path}/resources/{given['resource']}/signal"
                response = await self._call("POST", path, given.get("body"))
            case "unhealthy":
                path = f"{self._path}/resources/{given['resource']}"
                response = await self._call("PATCH", path, given["body"])
            case verb:
                assert verb in _ACTIONS, verb
                response = await self._call("POST", f"{self._path}/actions", {verb: given})
        return response

    async def _after(self, step: Step) -> dict[str, Any]:
        """What there is to see when a step that was accepted has ended."""
        if step.verb in ("delete", "abandon"):
            return {"stack": await self._gone()}
        if not step.waits:
            await self._begun()
            return {}
        if step.verb in _INSTANT:
            await asyncio.sleep(self._pause)
        else:
            await self._ended()
        return await self._seen_now()

    async def _gone(self) -> str:
        clock = asyncio.get_running_loop().time
        end = clock() + PATIENCE
        while clock() < end:
            response = await self._call("GET", self._path, None)
            if response.status_code == 404:
                return "gone"
            stack = response.json()["stack"]
            if stack["stack_status"] in ("DELETE_COMPLETE", "DELETE_FAILED"):
                return str(stack["stack_status"])
            await asyncio.sleep(self._pause)
        raise TimeoutError(f"{self._story.name}: the stack is still there")

    async def _begun(self) -> bool:
        """Wait until an event of the stack itself shows; whether one did."""
        clock = asyncio.get_running_loop().time
        end = clock() + BEGINS_WITHIN
        while clock() < end:
            if self._own(await self._events()):
                return True
            await asyncio.sleep(self._pause)
        return False

    async def _ended(self) -> None:
        if not await self._begun():
            return
        clock = asyncio.get_running_loop().time
        end = clock() + PATIENCE
        while clock() < end:
            last = self._own(await self._events())[-1]
            stack = (await self._call("GET", self._path, None)).json()["stack"]
            at_work = stack["stack_status"].endswith("IN_PROGRESS")
            if not at_work and not last["resource_status"].endswith("IN_PROGRESS"):
                return
            await asyncio.sleep(self._pause)
        raise TimeoutError(f"{self._story.name}: the stack is still at work")

    async def _events(self) -> list[Any]:
        response = await self._call("GET", f"{self._path}/events", None)
        events: list[Any] = response.json().get("events", [])
        return events[::-1][self._seen :]  # the newest comes first

    def _own(self, events: Sequence[Any]) -> list[Any]:
        return [each for each in events if each["resource_name"] == self._story.stack_name]

    async def _seen_now(self) -> dict[str, Any]:
        stack = (await self._call("GET", self._path, None)).json()["stack"]
        rows = (await self._call("GET", f"{self._path}/resources?nested_depth=5", None)).json()["resources"]
        events = await self._events()
        self._seen += len(events)
        told: dict[str, list[list[str]]] = {}
        for event in events:
            entry = [event["resource_status"], event["resource_status_reason"]]
            told.setdefault(event["resource_name"], []).append(entry)
        return {
            "stack": [stack["stack_status"], stack["stack_status_reason"]],
            "resources": sorted(
                [row["resource_name"], row["resource_status"], row["resource_status_reason"]] for row in rows
            ),
            "events": told,
        }

    async def _remove(self) -> None:
        response = await self._call("GET", self._path, None)
        if response.status_code in (301, 302):
            return
        if response.status_code == 200 and "DELETE_COMPLETE" not in response.text:
            await self._call("DELETE", self._path, None)
            await self._gone()


async def tell(story: Story, call: Call, project: str, *, pause: float) -> list[Any]:
    """What a server makes of each step of a story."""
    return await Teller(story, call, project, pause).tell()


def load_told(story: Story) -> Any:
    """The recorded answers to the steps of a story."""
    return json.loads((TOLD / f"{story.name}.json").read_text())
