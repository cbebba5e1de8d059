"""Servers that share a service user: none of them takes, uses or deletes the trusts of another.

With STACKD_CLOUD_TEST_HEAT set to the URL of a running Heat, that is one of them.
"""

from __future__ import annotations

import os
import secrets
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cloud.scenarios.conftest import PORT
from tests.cloud.scenarios.native import Orchestration
from tests.cloud.scenarios.session import Session, fresh_project

pytestmark = [pytest.mark.cloud, pytest.mark.long]

HEAT = os.environ.get("STACKD_CLOUD_TEST_HEAT", "")
TRUSTS_GO_WITHIN = 60
TEMPLATE = """\
heat_template_version: 2021-04-16
parameters: {about: {type: string, default: first}}
resources:
  network: {type: OS::Neutron::Net, properties: {tags: [{get_param: about}]}}
"""


@pytest.fixture
def member() -> Iterator[Session]:
    with fresh_project(f"trusts-{secrets.token_hex(3)}") as sessions:
        yield sessions["plain"]


def test_servers_with_one_service_user_keep_to_their_own_trusts(
    stackd_log: Path, second_stackd: str, member: Session
) -> None:
    assert stackd_log.exists()
    urls = [f"http://127.0.0.1:{PORT}", second_stackd, *([HEAT] if HEAT else [])]
    servers = [Orchestration(url, member) for url in urls]
    held: set[str] = set()
    for server in servers:
        server.create("first", template=TEMPLATE)
        now = {trust["id"] for trust in member.trusts()}
        assert held < now, "each has made a trust and left the others alone"
        held = now

    for server in servers:
        # One stack beside the first needs no second trust of stackd, and Heat makes one for each.
        server.create("last", template=TEMPLATE)
    for gone in servers:
        for name in ("first", "last"):
            gone.delete(name)
        rest = [server for server in servers if server is not gone]
        for server in rest:
            server.update("first", template=TEMPLATE, parameters={"about": secrets.token_hex(2)})
        gone.create("first", template=TEMPLATE)
        gone.create("last", template=TEMPLATE)
    for server in servers:
        for name in ("first", "last"):
            server.delete(name)
    # A trust goes a moment after the stack that was the last to need it.
    end = time.monotonic() + TRUSTS_GO_WITHIN
    while member.trusts() and time.monotonic() < end:
        time.sleep(1)
    assert member.trusts() == []
    assert not any(line.startswith("networks") for line in member.belongings())
