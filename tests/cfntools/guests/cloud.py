"""A whole orchestration service as a process, `stackd dev`, as its administrator sees it."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from tests.support.network import free_port
from tests.test_docs_commands import until

SOURCE = Path(__file__).parents[3] / "src"
PATIENCE = 120

T = TypeVar("T")


@dataclass(frozen=True)
class Cloud:
    """A running service and its simulated cloud: ``environ`` has the credentials, ``catalog`` the URLs."""

    environ: dict[str, str]
    token: str
    catalog: dict[str, str]
    user_id: str
    project_id: str

    def get(self, service: str, path: str, **headers: str) -> Any:
        """What a service answers to a request by the administrator."""
        return self._send("GET", service, path, None, headers)

    def post(self, service: str, path: str, body: Any) -> Any:
        """What a service answers to a body."""
        return self._send("POST", service, path, body, {})

    def put(self, service: str, path: str, body: Any) -> Any:
        """What a service answers to a body."""
        return self._send("PUT", service, path, body, {})

    def _send(self, verb: str, service: str, path: str, body: Any, headers: dict[str, str]) -> Any:
        data = None if body is None else json.dumps(body).encode()
        sent = {"X-Auth-Token": self.token, "Content-Type": "application/json", **headers}
        request = urllib.request.Request(self.catalog[service] + path, data, sent, method=verb)
        with urllib.request.urlopen(request, timeout=PATIENCE) as reply:
            return json.loads(reply.read() or b"null")

    def key_pair(self) -> tuple[str, str]:
        """An access key of the administrator, and its secret."""
        body = {"tenant_id": self.project_id}
        made = self.post("identity", f"/users/{self.user_id}/credentials/OS-EC2", body)["credential"]
        return made["access"], made["secret"]

    def create(self, name: str, template: str, **defaults: str) -> None:
        """Begin to create a stack; ``defaults`` are those of parameters in it and in the stacks inside it."""
        environment = {"parameter_defaults": defaults}
        body = {"stack_name": name, "template": template, "environment": environment}
        self.post("orchestration", "/stacks", body)

    def update(self, name: str, template: str, **defaults: str) -> None:
        """Begin to update a stack."""
        environment = {"parameter_defaults": defaults}
        self.put("orchestration", self._path(name), {"template": template, "environment": environment})

    def clear(self) -> None:
        """Delete all stacks, and wait until they are gone."""
        for stack in self.get("orchestration", "/stacks")["stacks"]:
            self._send("DELETE", "orchestration", self._path(stack["id"]), None, {})
        awaited(lambda: None if self.get("orchestration", "/stacks")["stacks"] else True)

    def _path(self, name: str) -> str:
        shown = self.stack(name)
        return f"/stacks/{shown['stack_name']}/{shown['id']}"

    def stack(self, name: str) -> dict[str, Any]:
        """A stack as it is shown, by its name or id."""
        found: dict[str, Any] = self.get("orchestration", f"/stacks/{name}")["stack"]
        return found

    def settled(self, name: str, status: str) -> dict[str, Any]:
        """The stack once it has that status; any other end is an error."""

        def found() -> dict[str, Any] | None:
            stack = self.stack(name)
            if stack["stack_status"].endswith("IN_PROGRESS"):
                return None
            assert stack["stack_status"] == status, stack["stack_status_reason"]
            return stack

        return awaited(found)

    def resources(self, stack: str) -> dict[str, dict[str, Any]]:
        """The resources of a stack by their names, as lists show them."""
        found = self.get("orchestration", self._path(stack) + "/resources")["resources"]
        return {each["resource_name"]: each for each in found}

    def inside(self, stack: str, name: str) -> str:
        """The id of the stack that a resource is, once there is one."""

        def found() -> str | None:
            shown = self.resources(stack).get(name)
            return str(shown["physical_resource_id"]) if shown and shown["physical_resource_id"] else None

        return awaited(found)

    def server(self, stack: str, name: str) -> dict[str, Any]:
        """The server behind a resource, once it is there, with its user data."""

        def found() -> dict[str, Any] | None:
            shown = self.resources(stack).get(name)
            if shown is None or shown["resource_status"] != "CREATE_COMPLETE":
                return None
            headers = {"X-OpenStack-Nova-API-Version": "2.3"}
            answer = self.get("compute", f"/servers/{shown['physical_resource_id']}", **headers)
            return dict(answer["server"])

        return awaited(found)


def awaited(found: Callable[[], T | None]) -> T:
    """What is found at last."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        if (result := found()) is not None:
            return result
        time.sleep(0.1)
    raise AssertionError("it did not come")


@contextmanager
def running(directory: Path, **guest_ports: int) -> Iterator[Cloud]:
    """A service that runs until the end of the block; its ports for guests are free ones, or those given."""
    chosen = {name: guest_ports.get(name) or free_port() for name in ("cfn", "cloudwatch", "cloud")}
    words = [word for name, port in chosen.items() for word in (f"--{name}-port", str(port))]
    words += ["--port", str(free_port()), "--no-quotas"]
    environ = {name: text for name, text in os.environ.items() if not name.startswith(("OS_", "STACKD_"))}
    with subprocess.Popen(
        [sys.executable, "-m", "stackd.cli", "dev", *words],
        cwd=directory,
        env=environ | {"PYTHONPATH": str(SOURCE)},
        stdout=subprocess.PIPE,
        stderr=(directory / "stackd.log").open("wb"),
        text=True,
    ) as process:
        try:
            said = until(process.stdout, "Ctrl-C stops it")
            found = dict(re.findall(r"^export (OS_\w+)=(\S+)$", said, re.MULTILINE))
            assert found, (directory / "stackd.log").read_text()
            yield signed_in(found)
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(PATIENCE)


def signed_in(environ: dict[str, str]) -> Cloud:
    """The cloud as the user of these variables."""
    domain = {"name": environ["OS_USER_DOMAIN_NAME"]}
    user = {"name": environ["OS_USERNAME"], "password": environ["OS_PASSWORD"], "domain": domain}
    scope = {"project": {"name": environ["OS_PROJECT_NAME"], "domain": domain}}
    identity = {"methods": ["password"], "password": {"user": user}}
    request = urllib.request.Request(
        environ["OS_AUTH_URL"] + "/auth/tokens",
        json.dumps({"auth": {"identity": identity, "scope": scope}}).encode(),
        {"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=PATIENCE) as reply:
        token = json.loads(reply.read())["token"]
        catalog = {each["type"]: each["endpoints"][0]["url"] for each in token["catalog"]}
        person, project = token["user"]["id"], token["project"]["id"]
        return Cloud(environ, reply.headers["X-Subject-Token"], catalog, person, project)
