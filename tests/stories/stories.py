"""Stories: what users do to one stack, step by step, read from ``stories.yaml`` and put to a server.

A story has ``templates`` by name, perhaps ``files``, and ``steps``. A step is a word, or a map of one
word to what it needs: ``create``, ``update`` (the name of a template, or ``template`` and ``parameters``),
``suspend``, ``resume``, ``check``, ``cancel_update``, ``cancel_without_rollback``, ``delete``, ``abandon``,
``adopt`` (what the last ``abandon`` or ``export`` gave), ``export``, ``snapshot``, ``restore``, ``forget`` (a
snapshot by its name), ``signal`` and ``unhealthy`` (a resource and a body). ``begin`` in front of a word does
not wait for the end; ``end`` does so later, and ``until`` waits for a state of a resource. ``outputs`` shows
them.

A member of a group is named ``group/member``. One with a random name is called ``made-in-N``, by the step in
which it was first seen, in answers as well.
"""

from __future__ import annotations

import asyncio
import json
import re
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

_RANDOM = re.compile(r"[a-z0-9]{12}")


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
    document = yaml.load((HERE / "stories.yaml").read_text(), yaml.CSafeLoader)
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
        self._labels: dict[str, str] = {}

    async def tell(self) -> list[Any]:
        """What the server makes of each step, without anything that differs from run to run."""
        answers: list[Any] = []
        try:
            for number, step in enumerate(self._story.steps, 1):
                response = await self._do(step)
                if response.status_code >= 300:
                    answers.append(refusal(response))
                    continue
                answer = await self._after(step, number)
                answers.append({"status": response.status_code, **answer})
        finally:
            await self._remove()
        text = json.dumps(answers, sort_keys=True).replace(self._project, "PROJECT")
        for name, label in self._labels.items():
            text = text.replace(name, label)
        return list(json.loads(scrubbed(text)))

    async def _do(self, step: Step) -> httpx.Response:
        story, given = self._story, step.given
        body: dict[str, Any]
        match step.verb:
            case "create" | "adopt":
                body = {"stack_name": story.stack_name, "files": story.files, **story.body}
                body |= self._definition(given or "one")
                if step.verb == "adopt":
                    body = {"stack_name": story.stack_name, "adopt_stack_data": json.dumps(self._data)}
                    self._seen = 0
                response = await self._call("POST", "/stacks", body)
                if response.status_code == 201:
                    self._path = f"/stacks/{story.stack_name}/{response.json()['stack']['id']}"
            case "update":
                body = {"files": story.files, **self._definition(given)}
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
                path = await self._resource(given["resource"])
                response = await self._call("POST", f"{path}/signal", given.get("body"))
            case "unhealthy":
                path = await self._resource(given["resource"])
                response = await self._call("PATCH", path, given["body"])
            case "until":
                await self._until(**given)
                response = await self._call("GET", self._path, None)
            case "outputs" | "end":
                response = await self._call("GET", self._path, None)
            case verb:
                assert verb in _ACTIONS, verb
                response = await self._call("POST", f"{self._path}/actions", {verb: given})
        return response

    def _definition(self, given: str | Mapping[str, Any]) -> dict[str, Any]:
        """The template, and perhaps parameters, of a body."""
        named = {"template": given} if isinstance(given, str) else given
        return {**named, "template": self._story.templates[named["template"]]}

    async def _resource(self, name: str) -> str:
        """The path of a resource, or of a member of a group."""
        parent, _, member = name.rpartition("/")
        if not parent:
            return f"{self._path}/resources/{name}"
        row = next(
            row
            for row in await self._rows()
            if row.get("parent_resource") == parent and self._label(row["resource_name"]) == member
        )
        href = next(str(link["href"]) for link in row["links"] if link["rel"] == "self")
        return href.partition(self._project)[2]

    def _label(self, name: str) -> str:
        return self._labels.get(name, name)

    async def _rows(self) -> list[Any]:
        response = await self._call("GET", f"{self._path}/resources?nested_depth=5", None)
        rows: list[Any] = response.json()["resources"]
        return rows

    async def _until(self, resource: str, status: str) -> None:
        """Return some time after a resource has come to a state, and a deployment has its object."""
        clock = asyncio.get_running_loop().time
        end = clock() + PATIENCE
        while not any(
            (row["resource_name"], row["resource_status"]) == (resource, status)
            and (row["physical_resource_id"] or not row["resource_type"].endswith("Deployment"))
            for row in await self._rows()
        ):
            if clock() > end:
                raise TimeoutError(f"{self._story.name}: {resource} is never {status}")
            await asyncio.sleep(self._pause)
        await asyncio.sleep(4 * self._pause)

    async def _after(self, step: Step, number: int) -> dict[str, Any]:
        """What there is to see when a step that was accepted has ended."""
        if step.verb in ("delete", "abandon"):
            gone = {"stack": await self._gone()}
            if step.verb == "abandon":
                await self._name_free()
            return gone
        if step.verb == "outputs":
            return {"outputs": await self._outputs()}
        if step.verb == "until":
            return {}
        if not step.waits:
            await self._begun()
            return {}
        if step.verb in _INSTANT:
            await asyncio.sleep(self._pause)
        else:
            await self._ended()
        if step.verb.startswith("cancel"):
            await asyncio.sleep(self._pause)  # resources may end after their stack
        return await self._seen_now(number)

    async def _outputs(self) -> dict[str, Any]:
        stack = (await self._call("GET", self._path, None)).json()["stack"]
        return {
            each["output_key"]: each.get("output_error") or self._labelled(each["output_value"])
            for each in stack["outputs"]
        }

    def _labelled(self, value: Any) -> Any:
        """A value, in which a map by names of members is a sorted list of labels and values."""
        if isinstance(value, dict) and value.keys() <= self._labels.keys():
            return sorted([self._label(key), each] for key, each in value.items())
        return value

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

    async def _name_free(self) -> None:
        """Wait until the name is free for another stack, which may be somewhat later."""
        clock = asyncio.get_running_loop().time
        end = clock() + PATIENCE
        while (await self._call("GET", f"/stacks/{self._story.stack_name}", None)).status_code != 404:
            if clock() > end:
                raise TimeoutError(f"{self._story.name}: the name is still taken")
            await asyncio.sleep(self._pause)

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

    async def _seen_now(self, number: int) -> dict[str, Any]:
        stack = (await self._call("GET", self._path, None)).json()["stack"]
        rows = await self._rows()
        for row in rows:
            if _RANDOM.fullmatch(row["resource_name"]):
                self._labels.setdefault(row["resource_name"], f"made-in-{number}")
        events = await self._events()
        self._seen += len(events)
        told: dict[str, list[list[str]]] = {}
        for event in events:
            entry = [event["resource_status"], event["resource_status_reason"]]
            told.setdefault(event["resource_name"], []).append(entry)
        return {
            "stack": [stack["stack_status"], stack["stack_status_reason"]],
            "resources": sorted(
                [self._label(row["resource_name"]), row["resource_status"], row["resource_status_reason"]]
                for row in rows
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
