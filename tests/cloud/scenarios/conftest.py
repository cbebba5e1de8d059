"""stackd as a process beside a real OpenStack, in its catalog, and stacks that leave nothing behind.

Scenarios may run side by side, in several processes: these share one stackd, as a cloud has one catalog, and
each works in a project of its own.

With STACKD_CLOUD_TEST_ENDPOINT set to the URL of a running orchestration service (a Heat, to see whether a
scenario is true to it), that one is put into the catalog and no stackd is started.
"""

from __future__ import annotations

import base64
import fcntl
import functools
import http.server
import os
import secrets
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from tests.cloud.scenarios.client import TOOL, OpenStack, run
from tests.cloud.scenarios.session import Session, fresh_project
from tests.cloud.scenarios.stack import TEMPLATES, Stack, StackOf

SOURCE = Path(__file__).parents[3] / "src"
ENDPOINT = os.environ.get("STACKD_CLOUD_TEST_ENDPOINT", "")
PORT = int(os.environ.get("STACKD_CLOUD_TEST_PORT", "8804"))
START_WITHIN = 60
STOP_WITHIN = 30

CONFIG = """
[database]
url = "sqlite:///{home}/stackd.db"

[api.native]
port = {port}

[api.cfn]
port = {cfn_port}

[api.cloudwatch]
port = {cloudwatch_port}

[keystone]
auth_url = "http://127.0.0.1:5000/v3"
username = "heat"
password = "secret"
project_name = "service"
user_domain_name = "Default"
project_domain_name = "Default"
region = "RegionOne"
interface = "public"
stack_domain_name = "heat"
stack_domain_admin = "heat_domain_admin"
stack_domain_admin_password = "secret"
trusts_kept_seconds = 0

[limits]
enable_stack_abandon = true
enable_stack_adopt = true

[security]
encryption_keys = ["{key}"]
"""


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5) as reply:
            return bool(reply.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def _start(home: Path, port: int) -> subprocess.Popen[bytes]:
    config = home / "stackd.toml"
    config.write_text(
        CONFIG.format(
            home=home,
            port=port,
            cfn_port=port + 1,
            cloudwatch_port=port + 2,
            key=base64.urlsafe_b64encode(secrets.token_bytes(32)).decode(),
        )
    )
    env = {key: value for key, value in os.environ.items() if not key.startswith(("OS_", "STACKD_"))}
    with (home / "stackd.log").open("wb") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "stackd.cli", "serve"],
            cwd=home,
            env=env | {"PYTHONPATH": str(SOURCE), "STACKD_CONFIG": str(config)},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
        )


@pytest.fixture(scope="session")
def stackd_log(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A running stackd, as the log that it writes."""
    base = tmp_path_factory.getbasetemp()
    home = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "stackd"
    home.mkdir(exist_ok=True)
    with _one_for_all(home):
        yield home / "stackd.log"


@contextmanager
def _one_for_all(home: Path) -> Iterator[None]:
    """The stackd of all processes that run scenarios: the first starts it, and stops it after the last."""
    serving = home / "serving"
    with (home / "users").open("w") as users, ExitStack() as running:
        with _turn(home):
            leads = not serving.exists()
            if leads:
                running.enter_context(_in_catalog(home))
                serving.touch()
            fcntl.flock(users, fcntl.LOCK_SH)
        yield
        if leads:
            with _turn(home):
                fcntl.flock(users, fcntl.LOCK_EX)  # once all others have let go of it
                serving.unlink()
                running.close()


@contextmanager
def _turn(home: Path) -> Iterator[None]:
    """Nobody else begins or ends meanwhile."""
    with (home / "turn").open("w") as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)
        yield


@contextmanager
def _in_catalog(home: Path) -> Iterator[None]:
    """A stackd that the catalog names, or the service that is to be looked at in its place."""
    run(str(TOOL), "orchestration", ENDPOINT or f"http://127.0.0.1:{PORT}/v1/%(tenant_id)s")
    if ENDPOINT:
        (home / "stackd.log").touch()
        yield
    else:
        with _running(home, PORT):
            yield


@pytest.fixture
def second_stackd(tmp_path: Path) -> Iterator[str]:
    """The URL of another stackd, which has a database of its own and the same service user."""
    with _running(tmp_path, PORT + 3):
        yield f"http://127.0.0.1:{PORT + 3}"


@contextmanager
def _running(home: Path, port: int) -> Iterator[None]:
    """A server on that port, from when it answers until it has stopped in good order."""
    log = home / "stackd.log"
    process = _start(home, port)
    try:
        end = time.monotonic() + START_WITHIN
        while not _answers(f"http://127.0.0.1:{port}/healthcheck"):
            assert process.poll() is None, f"stackd ended at once:\n{log.read_text()}"
            assert time.monotonic() < end, f"stackd does not answer:\n{log.read_text()}"
            time.sleep(0.2)
        yield
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(STOP_WITHIN)
        except subprocess.TimeoutExpired:
            process.kill()
            raise
    assert process.returncode == 0, f"stackd did not stop cleanly:\n{log.read_text()}"


@pytest.fixture(scope="session")
def sessions() -> Iterator[dict[str, Session]]:
    """The users of a project in which only these scenarios work, one after the other."""
    with fresh_project(f"scenarios-{secrets.token_hex(4)}") as made:
        yield made


@pytest.fixture(scope="session")
def member(sessions: dict[str, Session]) -> Session:
    """A member of the project."""
    return sessions["plain"]


@pytest.fixture(scope="session")
def users(sessions: dict[str, Session]) -> dict[str, OpenStack]:
    """The clients of `member`, and of `admin`, the administrator of the cloud, in another project."""
    plain = sessions["plain"]
    return {"member": OpenStack(plain.user, plain.project), "admin": OpenStack("admin", "admin")}


@pytest.fixture
def stack_of(stackd_log: Path, users: dict[str, OpenStack]) -> Iterator[StackOf]:
    """Makes a `Stack` for a template and a user; whatever a failed scenario leaves is deleted."""
    made: list[Stack] = []

    def make(template: str, user: str = "member") -> Stack:
        name = f"scenario-{template}-{secrets.token_hex(3)}"
        made.append(Stack(users[user], name, TEMPLATES / f"{template}.yaml"))
        return made[-1]

    began = stackd_log.stat().st_size
    yield make
    print(stackd_log.read_text()[began:])  # noqa: T201  (pytest shows it for a failed scenario only)
    for stack in made:
        if stack.exists():
            stack.openstack("stack", "delete", "--yes", "--wait", stack.name)


@pytest.fixture
def image_url(tmp_path: Path) -> Iterator[str]:
    """Where a tiny image can be downloaded from."""
    (tmp_path / "image.raw").write_bytes(bytes(4096))
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=str(tmp_path))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/image.raw"
        server.shutdown()
