"""A running `stackd dev`, and the unmodified clients of AWS as programs that talk to it.

The clients live in an environment of their own, which `make test-aws` makes from ``clients.lock``.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support.network import free_port

ROOT = Path(__file__).parents[2]
CLIENTS = Path(os.environ.get("STACKD_AWS_CLIENTS", ROOT / ".venv-aws"))
PATIENCE = 120.0
_HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """All that is here belongs to the ring of AWS clients."""
    for item in items:
        if item.path.is_relative_to(_HERE):
            item.add_marker(pytest.mark.aws)


@dataclass(frozen=True)
class Server:
    """The process, and where its APIs are."""

    native: str
    cfn: str
    cloudwatch: str
    keystone: str
    cloud: str
    http: httpx.Client = field(repr=False)

    def objects(self, table: str) -> list[dict[str, Any]]:
        """The objects of the simulated cloud in a table."""
        found: dict[str, list[dict[str, Any]]] = self.http.get(f"{self.cloud}/_dev/state").json()["objects"]
        return found.get(table, [])


@dataclass(frozen=True)
class User:
    """A user in a project, with a token and an EC2 key."""

    server: Server
    token: str
    project: str
    access: str
    secret: str = field(repr=False)

    def shown(self, path: str) -> Any:
        """What the native API answers to a GET below the project."""
        url = f"{self.server.native}/v1/{self.project}{path}"
        answer = self.server.http.get(url, headers={"X-Auth-Token": self.token})
        answer.raise_for_status()
        return answer.json()

    def reached(self, stack: str, *states: str) -> str:
        """The state of a stack, once it is one of these."""
        end = time.monotonic() + PATIENCE
        while True:
            stacks = self.shown(f"/stacks?name={stack}&show_deleted=true")["stacks"]
            state = str(stacks[0]["stack_status"]) if stacks else ""
            if state in states:
                return state
            assert time.monotonic() < end, f"{stack} is {state}"
            time.sleep(0.1)


@dataclass(frozen=True)
class Programs:
    """The clients of AWS, run as a user."""

    user: User
    home: Path

    def environ(self) -> dict[str, str]:
        return {
            "PATH": f"{CLIENTS}/bin:/usr/bin:/bin",
            "HOME": str(self.home),
            "AWS_ACCESS_KEY_ID": self.user.access,
            "AWS_SECRET_ACCESS_KEY": self.user.secret,
            "AWS_DEFAULT_REGION": "eu-central-1",
            "AWS_DEFAULT_OUTPUT": "json",
            "AWS_ENDPOINT_URL_CLOUDFORMATION": f"{self.user.server.cfn}/v1",
            "AWS_ENDPOINT_URL_CLOUDWATCH": f"{self.user.server.cloudwatch}/v1",
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_MAX_ATTEMPTS": "1",
            "AWS_PAGER": "",
        }

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """`aws ARGUMENTS`, whatever comes of it."""
        return self._done([str(CLIENTS / "bin" / "aws"), *arguments])

    def aws(self, *arguments: str) -> Any:
        """What `aws ARGUMENTS` prints, which must succeed."""
        done = self.run(*arguments)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout) if done.stdout.strip() else None

    def cloudformation(self, *arguments: str) -> Any:
        """What `aws cloudformation ARGUMENTS` prints, which must succeed."""
        return self.aws("cloudformation", *arguments)

    def cloudwatch(self, *arguments: str) -> Any:
        """What `aws cloudwatch ARGUMENTS` prints, which must succeed."""
        return self.aws("cloudwatch", *arguments)

    def refused(self, *arguments: str) -> str:
        """What `aws cloudformation ARGUMENTS` says, which must fail."""
        done = self.run("cloudformation", *arguments)
        assert done.returncode != 0, done.stdout
        return done.stderr

    def boto3(self, script: str) -> Any:
        """What a script for boto3 prints as JSON; it has the clients ``cfn`` and ``cloudwatch``."""
        setup = "import boto3, json\ncfn, cloudwatch = map(boto3.client, ('cloudformation', 'cloudwatch'))\n"
        done = self._done([str(CLIENTS / "bin" / "python"), "-c", setup + script])
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def _done(self, command: list[str]) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command,
            env=self.environ(),
            cwd=self.home,
            text=True,
            capture_output=True,
            timeout=PATIENCE,
            check=False,
        )

    def file(self, name: str, content: Any) -> str:
        """The URL of a new file, as the client reads one."""
        path = self.home / name
        path.write_text(content if isinstance(content, str) else json.dumps(content))
        return f"file://{path}"


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    place = tmp_path_factory.mktemp("server")
    native, cloud, cfn, cloudwatch = (free_port() for _ in range(4))
    command = [sys.executable, "-m", "stackd.cli", "dev", "--state", str(place)]
    command += ["--port", str(native), "--cloud-port", str(cloud), "--cfn-port", str(cfn)]
    command += ["--cloudwatch-port", str(cloudwatch)]
    environ = {**os.environ, "PYTHONPATH": str(ROOT / "src"), "STACKD_LIMITS__ENABLE_STACK_ADOPT": "true"}
    with (place / "server.log").open("w") as log, httpx.Client(timeout=60) as http:
        process = subprocess.Popen(command, stdout=log, stderr=log, env=environ)
        base = "http://127.0.0.1"
        try:
            _answers(http, process, f"{base}:{cfn}/healthcheck", place / "server.log")
            apis = [f"{base}:{port}" for port in (native, cfn, cloudwatch)]
            yield Server(*apis, _keystone(http, cloud), f"{base}:{cloud}", http)
        finally:
            process.terminate()
            process.wait(30)


def _answers(http: httpx.Client, process: subprocess.Popen[bytes], url: str, log: Path) -> None:
    end = time.monotonic() + PATIENCE
    while True:
        assert process.poll() is None, log.read_text()
        try:
            if http.get(url).status_code == 200:
                return
        except httpx.TransportError:
            assert time.monotonic() < end, log.read_text()
        time.sleep(0.1)


def _keystone(http: httpx.Client, port: int) -> str:
    """The URL of the simulated Identity service."""
    for path in ("/identity/v3", "/v3"):
        if http.get(f"http://127.0.0.1:{port}{path}").status_code == 200:
            return f"http://127.0.0.1:{port}{path}"
    raise AssertionError("no Identity service")


def sign_in(server: Server, name: str) -> User:
    """A user of the simulated cloud with a new EC2 key."""
    person = {"name": name, "domain": {"id": "default"}, "password": "secret"}
    scope = {"project": {"name": name, "domain": {"id": "default"}}}
    identity = {"methods": ["password"], "password": {"user": person}}
    made = server.http.post(
        f"{server.keystone}/auth/tokens", json={"auth": {"identity": identity, "scope": scope}}
    )
    token, body = made.headers["x-subject-token"], made.json()["token"]
    key = server.http.post(
        f"{server.keystone}/users/{body['user']['id']}/credentials/OS-EC2",
        json={"tenant_id": body["project"]["id"]},
        headers={"X-Auth-Token": token},
    ).json()["credential"]
    return User(server, token, body["project"]["id"], key["access"], key["secret"])


def enroll(server: Server, name: str) -> str:
    """What `stackd enroll` prints."""
    environ: Mapping[str, str] = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(ROOT / "src"),
        "OS_AUTH_URL": server.keystone,
        "OS_USERNAME": name,
        "OS_PASSWORD": "secret",
        "OS_PROJECT_NAME": name,
        "OS_USER_DOMAIN_NAME": "Default",
        "OS_PROJECT_DOMAIN_NAME": "Default",
    }
    command = [sys.executable, "-m", "stackd.cli", "enroll"]
    done = subprocess.run(command, env=environ, text=True, capture_output=True, timeout=PATIENCE, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="session")
def demo(server: Server) -> User:
    """A user who has enrolled."""
    user = sign_in(server, "demo")
    assert "trust" in enroll(server, "demo")
    return user


@pytest.fixture
def programs(demo: User, tmp_path: Path) -> Programs:
    return Programs(demo, tmp_path)
