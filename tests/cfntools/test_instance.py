"""Who the server is: asked once, and kept."""

from __future__ import annotations

import pytest

from stackd_cfntools.instance import Identity, identity, unique_id
from tests.cfntools.machine import Machine
from tests.cfntools.server import Reply, Server

META = b'{"uuid": "U-1", "meta": {"a": "b", "n": 1}, "more": []}'


def test_identity_is_asked_for_once(machine: Machine, server: Server) -> None:
    server.replies(Reply(META))
    for _ in range(2):
        assert identity(machine, server.url) == Identity("U-1", {"a": "b", "n": "1"})
    assert len(server.requests) == 1
    assert unique_id(machine) == "U-1"


def test_failure_for_now_is_asked_again(machine: Machine, server: Server) -> None:
    server.replies(Reply(b"", 500), Reply(META))
    found = identity(machine, server.url)
    assert found is not None
    assert found.uuid == "U-1"


def test_machine_that_is_no_server_goes_by_its_name(machine: Machine, server: Server) -> None:
    server.replies(Reply(b"", 404))
    assert identity(machine, server.url) is None
    machine.put("/var/lib/heat-cfntools/nova_meta.json", '{"uuid": ""}')
    server.replies(Reply(b"no json"))
    assert identity(machine, server.url) is None


def test_unknown_identity_gives_the_name(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stackd_cfntools.instance.identity", lambda system: None)
    assert unique_id(machine) == "machine.example.com"
