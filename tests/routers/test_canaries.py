"""Secrets are planted wherever a user can put one, and nothing that anybody may read has one in it.

*Hidden* values are those of hidden parameters: they are in no answer, event, plan, notification or log line.
They and all other contents, such as templates, files and signals, are encrypted at rest: they are in no file.
Tokens and the queries of URLs are in no log line.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import html
import json
import logging
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio
import structlog
from structlog.testing import capture_logs

from stackd.app import make_asgi, make_cfn_asgi, wired
from stackd.routers.api import NOUNS
from tests.routers.conftest import ORIGIN, Api, signed_in
from tests.support.engine import World, world
from tests.support.waiting import until
from tests.support.web import website

GIVEN = "canary-of-the-request"
IN_ENVIRONMENT = "canary-of-the-environment"
IN_FILE = "canary:of-an-environment-file"
BY_DEFAULT = "canary-of-the-parameter-defaults"
NEXT = "canary-of-the-update"
IN_MAP = {"canary-key-of-a-map": {"canary-key-below": "canary-value-of-a-map"}}
HIDDEN = (GIVEN, IN_ENVIRONMENT, IN_FILE, BY_DEFAULT, NEXT)
HIDDEN += ("canary-key-of-a-map", "canary-key-below", "canary-value-of-a-map")
DERIVED = (
    base64.b64encode(GIVEN.encode()).decode(),
    hashlib.sha256(GIVEN.encode()).hexdigest(),
    "of-an-environment-file",
)
CONTENTS = (
    "canary-in-the-template",
    "canary-in-a-file",
    "canary-in-metadata",
    "canary-in-a-parameter",
    "canary-in-a-signal",
    "canary-in-an-output",
)
LOGGED = ("canary-in-a-query", "canary-in-a-path", "canary-in-a-token")

HIDDEN_TEXT = {"type": "string", "hidden": True}
INNER = """
heat_template_version: 2021-04-16
description: canary-in-a-file
parameters:
  word: {type: string}
  half: {type: string, default: none}
  deep: {type: string, hidden: true}
resources:
  part:
    type: OS::Heat::TestResource
    properties: {value: {get_param: word}}
    metadata: {word: {get_param: word}, half: {get_param: half}}
  below: {type: OS::Heat::Value, properties: {value: {get_param: deep}}}
outputs: {part: {value: {get_attr: [part, output]}}}
"""
ENVIRONMENT_FILE = json.dumps({"parameters": {"filed": IN_FILE}})
MEMBER = {
    "type": "OS::Heat::TestResource",
    "properties": {"value": {"list_join": ["/", [{"get_param": "given"}, {"get_param": "stated"}]]}},
}

PAIR = {"type": "asymmetric", "algorithm": "rsa", "bit_length": 1024}


def valued(value: Any, **more: Any) -> dict[str, Any]:
    return {"type": "OS::Heat::TestResource", "properties": {"value": value}, **more}


def template(url: str) -> dict[str, Any]:
    given = {"get_param": "given"}
    return {
        "heat_template_version": "2021-04-16",
        "description": "canary-in-the-template",
        "parameters": {
            "given": HIDDEN_TEXT,
            "stated": HIDDEN_TEXT,
            "filed": HIDDEN_TEXT,
            "mapped": {"type": "json", "hidden": True},
            "plain": {"type": "string"},
        },
        "resources": {
            "open": valued({"get_param": "plain"}, metadata={"plain": "canary-in-metadata"}),
            "direct": valued(given, metadata={"word": given, "list": [{"get_param": "stated"}]}),
            "joined": valued({"str_replace": {"template": "u:$P@h", "params": {"$P": given}}}),
            "digest": valued({"digest": ["sha256", given]}),
            "half": valued({"str_split": [":", {"get_param": "filed"}, 1]}),
            "stored": {"type": "OS::Heat::Value", "properties": {"value": {"a": [given]}}},
            "map": {"type": "OS::Heat::Value", "properties": {"value": {"get_param": "mapped"}}},
            "text": valued({"str_replace": {"template": "M", "params": {"M": {"get_param": "mapped"}}}}),
            "key": {"type": "OS::Nova::KeyPair", "properties": {"name": given}},
            "inner": {
                "type": "inner.yaml",
                "properties": {"word": given, "half": {"str_split": [":", {"get_param": "filed"}, 1]}},
            },
            "group": {"type": "OS::Heat::ResourceGroup", "properties": {"count": 2, "resource_def": MEMBER}},
            "conf": {
                "type": "AWS::AutoScaling::LaunchConfiguration",
                "properties": {"ImageId": "cirros", "InstanceType": "m1.tiny", "UserData": given},
                "metadata": {"word": given},
            },
            "instances": {
                "type": "OS::Heat::InstanceGroup",
                "properties": {
                    "AvailabilityZones": ["nova"],
                    "LaunchConfigurationName": {"get_resource": "conf"},
                    "Size": 1,
                },
                "update_policy": {"RollingUpdate": {"MaxBatchSize": 1}},
            },
            "secret": {"type": "OS::Barbican::Secret", "properties": {"payload": given}},
            "echo": valued({"get_attr": ["secret", "decrypted_payload"]}),
            "order": {"type": "OS::Barbican::Order", "properties": {**PAIR, "pass_phrase": given}},
            "handle": {"type": "OS::Heat::WaitConditionHandle"},
            "fetched": {"type": url},
        },
        "outputs": {"plain": {"value": "canary-in-an-output"}},
    }


@dataclass
class Seen:
    """All that anybody could read, each with where it was."""

    answers: list[tuple[str, str]] = field(default_factory=list)
    logs: list[tuple[str, str]] = field(default_factory=list)
    messages: list[tuple[str, str]] = field(default_factory=list)
    files: list[tuple[str, str]] = field(default_factory=list)


def hits(places: list[tuple[str, str]], words: tuple[str, ...]) -> list[tuple[str, str, str]]:
    return [
        (word, where, text[max(0, text.index(word) - 80) : text.index(word) + 60])
        for where, text in places
        for word in words
        if word in text
    ]


def forms(words: tuple[str, ...]) -> tuple[str, ...]:
    return (*words, *(base64.b64encode(word.encode()).decode() for word in words))


class Recorder(Api):
    """A client that keeps every answer."""

    seen: Seen
    cfn: httpx.AsyncClient

    async def action(self, name: str, **params: str) -> None:
        """A call of an action of the CloudFormation API."""
        form = {"Action": name, **params}
        answer = await self.cfn.post("/v1", data=form, headers={"X-Auth-Token": self.token})
        assert answer.status_code < 500, answer.text
        self.seen.answers.append((f"{name} {params}", html.unescape(answer.text)))

    async def raw(self, method: str, path: str, **options: Any) -> httpx.Response:
        answer = await super().raw(method, path, **options)
        self.seen.answers.append((f"{method} {path}", answer.text + repr(answer.headers.raw)))
        return answer


def reads() -> Iterator[str]:
    """Paths of all routes that are read, below the project."""
    for router in NOUNS:
        for route in router.routes:
            if "GET" in getattr(route, "methods", ()):
                yield getattr(route, "path", "").removeprefix("/v1/{project}").replace(":arn", "")


async def read_everything(api: Recorder) -> None:
    """Every route that can be read, for every stack, resource, event and plan that there is."""
    listed = (await api.get("/stacks?show_nested=true&show_deleted=true&show_hidden=true"))["stacks"]
    plans = [each["id"] for each in (await api.get("/plans"))["plans"]]
    types = {"type": "OS::Heat::Value", "version": "heat_template_version.rocky"}
    types |= dict.fromkeys(("snapshot", "config", "deployment", "server"), "none")
    for stack in listed:
        own = {"name": stack["stack_name"], "id": stack["id"], "key": "plain", **types}
        base = f"/stacks/{own['name']}/{own['id']}"
        resources = (await api.call("GET", f"{base}/resources")).json().get("resources", [])
        events = (await api.call("GET", f"{base}/events")).json().get("events", [])
        for path in reads():
            if "{event}" in path:
                for event in events:
                    name = event["resource_name"]
                    await api.call("GET", path.format(**own, resource=name, event=event["id"]))
            elif "{resource}" in path:
                for each in resources:
                    await api.call("GET", path.format(**own, resource=each["resource_name"]))
            elif "{plan}" in path:
                for plan in plans:
                    await api.call("GET", path.format(**own, plan=plan))
            else:
                await api.call("GET", path.format(**own))
        await read_by_cloudformation(api, stack["id"], [each["resource_name"] for each in resources])
        await api.call("GET", f"{base}/resources?with_detail=true&nested_depth=5")
        await api.call("GET", f"{base}/events?nested_depth=5")


async def read_by_cloudformation(api: Recorder, stack: str, resources: list[str]) -> None:
    """Every action that reads something of a stack."""
    for name in ("DescribeStacks", "DescribeStackEvents", "DescribeStackResources", "ListStackResources"):
        await api.action(name, StackName=stack)
    for name in ("GetTemplate", "GetTemplateSummary", "ListChangeSets", "DescribeStackResourceDrifts"):
        await api.action(name, StackName=stack)
    for name in ("DescribeStacks", "ListStacks", "ListExports"):
        await api.action(name)
    for resource in resources:
        await api.action("DescribeStackResource", StackName=stack, LogicalResourceId=resource)


def stored(folder: Path) -> list[tuple[str, str]]:
    """The database's files as they are on the disk, in every reading of their bytes that finds a text."""
    found = [file for file in folder.iterdir() if file.is_file()]
    assert any(file.name.endswith("-wal") for file in found)
    return [(file.name, file.read_bytes().decode("latin-1")) for file in found]


async def live(api: Recorder, made: World, url: str) -> None:
    """A life of a stack in which every place is used that a user can fill."""
    body: dict[str, Any] = {
        "template": template(url),
        "parameters": {"given": GIVEN, "plain": "canary-in-a-parameter", "mapped": IN_MAP},
        "environment": {
            "parameters": {"stated": IN_ENVIRONMENT},
            "parameter_defaults": {"deep": BY_DEFAULT},
            "event_sinks": [{"type": "zaqar-queue", "target": "news", "ttl": 120}],
        },
        "files": {"inner.yaml": INNER, "filed.yaml": ENVIRONMENT_FILE},
        "environment_files": ["stated.yaml", "filed.yaml"],
    }
    body["files"]["stated.yaml"] = json.dumps(body.pop("environment"))
    for path in ("/validate?show_nested=true", "/validate"):
        answer = await api.call("POST", path, body)
        assert answer.status_code == 200, answer.text
    for path in ("/stacks/preview", "/stacks/plans"):
        answer = await api.call("POST", path, {"stack_name": "planned", **body})
        assert answer.status_code < 300, answer.text
    stack = await api.create("canaries", **body)
    shown = (await api.get(stack))["stack"]
    assert shown["stack_status"] == "CREATE_COMPLETE", shown["stack_status_reason"]
    signal = {"id": "1", "data": "canary-in-a-signal"}
    assert (await api.call("POST", f"{stack}/resources/handle/signal", signal)).status_code == 200
    marked = {"mark_unhealthy": True, "resource_status_reason": f"it has {GIVEN}"}
    assert (await api.call("PATCH", f"{stack}/resources/direct", marked)).status_code == 200
    await read_everything(api)

    body["parameters"] = {**body["parameters"], "given": NEXT}
    assert (await api.call("PUT", f"{stack}/preview?show_nested=true", body)).status_code == 200
    for action in ("update", "delete"):
        answer = await api.call("POST", f"{stack}/plans", {**body, "action": action})
        assert answer.status_code == 201, answer.text
    echoed = {"keypair": {"message": f"{NEXT} after {GIVEN}"}}
    rule = {"service": "compute", "method": "POST", "path": "/os-keypairs", "status": 400, "body": echoed}
    made.cloud.faults.replace([rule])
    assert (await api.call("PUT", stack, body)).status_code == 202
    assert (await api.settled(stack))["stack_status"] == "UPDATE_FAILED"
    await read_everything(api)
    made.cloud.faults.replace([])
    assert (await api.call("PUT", stack, body)).status_code == 202
    assert (await api.settled(stack))["stack_status"] == "UPDATE_COMPLETE"
    await read_everything(api)
    await api.call("GET", "/stacks/canary-in-a-path?tags=canary-in-a-query")
    await api.call("POST", "/stacks", {"stack_name": "x", "template_url": url.replace("t.yaml?", "gone?")})
    await api.raw("GET", f"/v1/{api.project}/stacks", headers={"X-Auth-Token": "canary-in-a-token"})
    assert (await api.call("DELETE", stack)).status_code == 204

    async def gone() -> bool:
        return (await api.call("GET", stack)).json()["stack"]["stack_status"] == "DELETE_COMPLETE"

    await until(gone)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def seen(tmp_path_factory: Any) -> AsyncIterator[Seen]:
    found, folder = Seen(), tmp_path_factory.mktemp("canaries")
    lines: list[logging.LogRecord] = []
    handler = logging.Handler(logging.DEBUG)
    handler.emit = lines.append  # type: ignore[method-assign]
    logging.getLogger().addHandler(handler)
    level, page = logging.getLogger().level, "heat_template_version: 2021-04-16\n"
    logging.getLogger().setLevel(logging.DEBUG)
    async with world(folder) as made, website({"/t.yaml": page}) as site:
        egress = made.settings.egress.model_copy(update={"allowed_networks": ("127.0.0.0/8",)})
        settings = made.settings.model_copy(update={"egress": egress})
        with capture_logs(processors=[structlog.contextvars.merge_contextvars]) as logs:
            async with wired(settings) as parts:
                transport = httpx.ASGITransport(make_asgi(parts))
                query = httpx.ASGITransport(make_cfn_asgi(parts))
                async with (
                    httpx.AsyncClient(transport=transport, base_url=ORIGIN) as client,
                    httpx.AsyncClient(transport=query, base_url=ORIGIN) as cfn,
                ):
                    signed = await signed_in(parts, client, "demo")
                    api = Recorder(client, signed.token, signed.project)
                    api.seen, api.cfn = found, cfn
                    await live(api, made, site.url("/t.yaml?sign=canary-in-a-query.yaml"))
                    await asyncio.sleep(0.2)  # what was last told to the queue gets there
                    found.files = stored(folder)
        rows = made.cloud.store.tables["messaging.messages"].rows.values()
        found.messages = [("queue", json.dumps(row.data["body"])) for row in rows]
    logging.getLogger().removeHandler(handler)
    logging.getLogger().setLevel(level)
    found.logs = [(str(line["event"]), repr(line)) for line in logs]
    found.logs += [
        (line.name, f"{line.getMessage()} {line.exc_info}") for line in lines if line.name != "aiohttp.access"
    ]
    yield found


pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.sqlite]


async def test_no_answer_event_or_plan_has_a_hidden_value(seen: Seen) -> None:
    assert len(seen.answers) > 300
    assert hits(seen.answers, (*forms(HIDDEN), *DERIVED)) == []


async def test_no_answer_event_or_plan_has_the_query_of_a_url(seen: Seen) -> None:
    """Nor are the URLs of nested templates, whose queries may be signatures, in the files of the database."""
    assert hits(seen.answers, ("canary-in-a-query",)) == []
    assert hits(seen.messages, ("canary-in-a-query",)) == []
    assert hits(seen.files, ("canary-in-a-query",)) == []


async def test_no_notification_has_a_hidden_value(seen: Seen) -> None:
    assert len(seen.messages) > 30
    assert hits(seen.messages, (*forms(HIDDEN), *DERIVED)) == []


async def test_no_log_line_has_any_secret(seen: Seen) -> None:
    assert {"request", "operation_started", "operation_ended", "url_not_fetched"} <= {n for n, _ in seen.logs}
    assert hits(seen.logs, (*forms(HIDDEN), *DERIVED, *CONTENTS, *LOGGED)) == []


async def test_no_file_has_any_content(seen: Seen) -> None:
    assert hits(seen.files, (*forms(HIDDEN), *DERIVED, *CONTENTS)) == []
