"""Groups and users are made if they are missing."""

from __future__ import annotations

import pytest

from stackd_cfntools.errors import ToolError
from stackd_cfntools.init.accounts import add_groups, add_users
from stackd_cfntools.system import Outcome
from tests.cfntools.init.context import context_of
from tests.cfntools.machine import GROUP, PASSWD, Machine


def test_groups_are_made_with_their_ids(machine: Machine) -> None:
    add_groups(context_of(machine), {"plain": {}, "numbered": {"gid": "45"}, "empty": None})
    assert machine.ran == ["groupadd empty", "groupadd --gid 45 numbered", "groupadd plain"]


def test_users_are_made_without_a_shell(machine: Machine) -> None:
    wanted = {"full": {"uid": 50, "groups": ["a", "b"], "homeDir": "/srv/full"}, "plain": {}}
    add_users(context_of(machine), wanted)
    assert machine.ran == [
        "useradd --shell /sbin/nologin --uid 50 --groups a,b --home-dir /srv/full full",
        "useradd --shell /sbin/nologin plain",
    ]


def test_those_that_are_there_stay(machine: Machine) -> None:
    machine.put("/etc/passwd", PASSWD.format(uid=1, gid=1))
    machine.put("/etc/group", GROUP.format(gid=1))
    add_groups(context_of(machine), {"web": {"gid": 77}})
    add_users(context_of(machine), {"web": {"uid": 77}})
    assert machine.ran == []


def test_failure_is_an_error(machine: Machine) -> None:
    machine.outcomes["groupadd"] = Outcome(4, "GID 0 exists")
    with pytest.raises(ToolError, match="GID 0 exists"):
        add_groups(context_of(machine), {"a": {"gid": 0}})
    with pytest.raises(ToolError, match=r"a\.groups must be a list"):
        add_users(context_of(machine), {"a": {"groups": "wheel"}})
