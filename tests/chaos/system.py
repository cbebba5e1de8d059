"""The processes that chaos strikes, and a client that talks to them over HTTP as any other would."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from signal import SIGKILL, SIGTERM, Signals
from typing import Any, Final, Self

import httpx

from tests.chaos.portrait import HIDDEN
from tests.support.network import free_port

START_SECONDS = 180.0
LEASE: Final = 2.0
"""Seconds after which a silent or dead process loses what it owns, where several can share a database."""

GUESTS_URL = "http://guests.test"
"""Where guests would find whichever server is at work: what they get is signed for this address."""

Stack = Mapping[str, Any]


def _signing_in(user: str) -> dict[str, Any]:
    """A user who signs in to the project of the same name."""
    domain = {"domain": {"id": "default"}}
    person = {"user": {"name": user, "password": "secret", **domain}}
    identity = {"methods": ["password"], "password": person}
    return {"auth": {"identity": identity, "scope": {"project": {"name": user, **domain}}}}


class Cloud:
    """A dev cloud in a process of its own, that nothing happens to."""

    def __init__(self, place: Path, latency: float, seed: int) -> None:
        source = Path(__file__).parents[2] / "src"
        self.environment = {**os.environ, "PYTHONPATH": str(source)}
        command = [sys.executable, "-m", "stackd.devcloud", "--json", "--latency", str(latency)]
        self._log = (place / "cloud.log").open("w")
        self._process = subprocess.Popen(
            [*command, "--seed", str(seed)],
            stdout=subprocess.PIPE,
            stderr=self._log,
            env=self.environment,
            text=True,
        )
        assert self._process.stdout is not None
        found = json.loads(self._process.stdout.readline())
        self.url: str = found["url"]
        self.auth_url: str = found["auth_url"]
        self.http = httpx.Client(timeout=60)
        self.before = self.objects()

    def objects(self) -> dict[str, list[dict[str, Any]]]:
        """All objects of the cloud, by table."""
        return complete_objects(self.http.get(f"{self.url}/_dev/state").json())

    def sign_in(self, user: str = "demo") -> tuple[str, str]:
        """A token of a user, and the id of the project."""
        answer = self.http.post(f"{self.auth_url}/auth/tokens", json=_signing_in(user))
        return answer.headers["x-subject-token"], answer.json()["token"]["project"]["id"]

    def close(self) -> None:
        """Stop the process."""
        self.http.close()
        self._process.terminate()
        self._process.wait(20)
        self._log.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def complete_objects(state: Mapping[str, Any]) -> dict[str, list[dict[str, Any]]]:
    """The objects in the state of a dev cloud, each with what its service keeps beside it; and the quotas."""
    objects = {
        table: [
            each | ({HIDDEN: beside} if beside else {})
            for each, beside in zip(rows, state["hidden"][table], strict=True)
        ]
        for table, rows in state["objects"].items()
    }
    return objects | {"quotas": state["quotas"]}


class Server:
    """``stackd serve`` on a database, which can be killed and started again, on the same port."""

    def __init__(
        self, place: Path, cloud: Cloud, database: str, name: str = "server", **settings: str
    ) -> None:
        self.port, cfn_port, cloudwatch_port = free_port(), free_port(), free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.cfn_url = f"http://127.0.0.1:{cfn_port}"
        self.cloudwatch_url = f"http://127.0.0.1:{cloudwatch_port}"
        self._environment = {
            **cloud.environment,
            "STACKD_API__NATIVE__PORT": str(self.port),
            "STACKD_API__CFN__PORT": str(cfn_port),
            "STACKD_API__CFN__PUBLIC_URL": GUESTS_URL,
            "STACKD_API__CLOUDWATCH__PORT": str(cloudwatch_port),
            "STACKD_DATABASE__URL": database,
            "STACKD_ENGINE__LEASE_SECONDS": str(LEASE),
            "STACKD_KEYSTONE__AUTH_URL": cloud.auth_url,
            "STACKD_KEYSTONE__PASSWORD": "secret",
            "STACKD_KEYSTONE__TRUSTS_KEPT_SECONDS": "0",
            "STACKD_KEYSTONE__TRUSTS_REDELEGATED": "true",
            "STACKD_KEYSTONE__STACK_DOMAIN_NAME": "heat",
            "STACKD_KEYSTONE__STACK_DOMAIN_ADMIN": "heat_domain_admin",
            "STACKD_KEYSTONE__STACK_DOMAIN_ADMIN_PASSWORD": "secret",
            "STACKD_SECURITY__ENCRYPTION_KEYS": "A" * 43 + "=",
            "STACKD_LOG__LEVEL": "warning",
            **settings,
        }
        self.log = place / f"{name}.log"
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """The id of the running process."""
        assert self._process is not None
        return self._process.pid

    def start(self) -> float:
        """Start and wait until requests are answered; the seconds that took."""
        began = time.monotonic()
        with self.log.open("a") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "stackd.cli", "serve"], stdout=log, stderr=log, env=self._environment
            )
        while time.monotonic() < began + START_SECONDS:
            if self._process.poll() is not None:
                raise AssertionError(f"the server ended by itself: {self.log.read_text()[-2000:]}")
            try:
                with socket.create_connection(("127.0.0.1", self.port), 0.2):
                    return time.monotonic() - began
            except OSError:
                time.sleep(0.02)
        raise AssertionError("the server does not start")

    def kill(self) -> None:
        """End the process as no signal handler can notice."""
        self._end(SIGKILL)

    def stop(self) -> None:
        """End the process in good order, if it runs."""
        if self._process is not None:
            self._end(SIGTERM)

    def signal(self, number: Signals) -> None:
        """Send a signal to the process."""
        os.kill(self.pid, number)

    def _end(self, number: Signals) -> None:
        assert self._process is not None
        self._process.send_signal(number)
        self._process.wait(30)
        self._process = None


class Client:
    """A user of the native API. A request that meets a dead server raises ``httpx.HTTPError``."""

    def __init__(self, cloud: Cloud, url: str, user: str = "demo") -> None:
        token, self._project = cloud.sign_in(user)
        self.headers = {"X-Auth-Token": token}
        self._http = httpx.Client(base_url=f"{url}/v1/{self._project}", headers=self.headers, timeout=60)

    @property
    def url(self) -> str:
        """Where the project is at the server that answers."""
        return str(self._http.base_url).rstrip("/")

    def aim(self, url: str) -> None:
        """Talk to another server from now on."""
        self._http.base_url = httpx.URL(f"{url}/v1/{self._project}/")

    def find(self, name: str) -> Stack | None:
        """The live stack of this name."""
        answer = self._http.get(f"/stacks/{name}", follow_redirects=True)
        if answer.status_code == 404:
            return None
        return self._json(answer)["stack"]  # type: ignore[no-any-return]

    def show(self, stack: Stack) -> Stack:
        """The stack as it is now, even deleted."""
        return self._json(self._http.get(self._path(stack)))["stack"]  # type: ignore[no-any-return]

    def create(self, name: str, body: Mapping[str, Any]) -> None:
        """Have a stack made."""
        self._json(self._http.post("/stacks", json={"stack_name": name, **body}))

    def update(self, stack: Stack, body: Mapping[str, Any]) -> None:
        """Have a stack changed."""
        self._json(self._http.put(self._path(stack), json=body))

    def delete(self, stack: Stack) -> None:
        """Have a stack removed."""
        self._json(self._http.delete(self._path(stack)))

    def act(self, stack: Stack, action: str) -> None:
        """Have something done to all resources of the stack."""
        self._json(self._http.post(f"{self._path(stack)}/actions", json={action: None}))

    def signal(self, stack: Stack, resource: str) -> None:
        """Signal a resource."""
        self._json(self._http.post(f"{self._path(stack)}/resources/{resource}/signal", json={}))

    def snapshots(self, stack: Stack) -> list[dict[str, Any]]:
        """The snapshots of the stack, with what they keep."""
        answer = self._http.get(f"{self._path(stack)}/snapshots")
        return self._json(answer)["snapshots"]  # type: ignore[no-any-return]

    def take_snapshot(self, stack: Stack) -> None:
        """Have a snapshot taken."""
        self._json(self._http.post(f"{self._path(stack)}/snapshots", json={}))

    def restore(self, stack: Stack, snapshot: Mapping[str, Any]) -> None:
        """Have the stack brought back to a snapshot."""
        self._json(self._http.post(f"{self._path(stack)}/snapshots/{snapshot['id']}/restore"))

    def delete_snapshot(self, stack: Stack, snapshot: Mapping[str, Any]) -> None:
        """Have a snapshot removed."""
        self._json(self._http.delete(f"{self._path(stack)}/snapshots/{snapshot['id']}"))

    def resources(self, stack: Stack) -> list[dict[str, Any]]:
        """All resources of the stack and of the stacks inside it."""
        answer = self._http.get(f"{self._path(stack)}/resources", params={"nested_depth": 5})
        return self._json(answer)["resources"]  # type: ignore[no-any-return]

    def newest_event(self, stack: Stack) -> str:
        """The id of the newest event in the tree, empty when there is none."""
        query: dict[str, str | int] = {"nested_depth": 5, "limit": 1, "sort_dir": "desc"}
        answer = self._http.get(f"{self._path(stack)}/events", params=query)
        events = [] if answer.status_code == 404 else self._json(answer)["events"]
        return str(events[0]["id"]) if events else ""

    def close(self) -> None:
        """Let the connections go."""
        self._http.close()

    def _path(self, stack: Stack) -> str:
        return f"/stacks/{stack['stack_name']}/{stack['id']}"

    def _json(self, answer: httpx.Response) -> Any:
        if answer.status_code >= 400:
            raise Refused(f"{answer.request.method} {answer.request.url}: {answer.status_code} {answer.text}")
        return answer.json() if answer.content else None


class Refused(Exception):
    """The server answered with an error."""
