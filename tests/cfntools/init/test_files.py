"""Files have the content, mode and owner that is asked for, and are left alone if they do already."""

from __future__ import annotations

import base64
import json
import os
import stat
from typing import Any

import pytest

from stackd_cfntools.errors import RequestRefused, ToolError
from stackd_cfntools.init.files import write
from tests.cfntools.init.context import context_of
from tests.cfntools.machine import GROUP, PASSWD, Machine
from tests.cfntools.server import Reply, Server

PATH = "/etc/app/file"


def written(machine: Machine, entry: Any, path: str = PATH) -> set[str]:
    """The paths that were changed."""
    context = context_of(machine)
    write(context, {path: entry})
    return context.changes.files


@pytest.mark.parametrize(
    ("entry", "content"),
    [
        ({"content": "text \u2603\n"}, "text \u2603\n"),
        ({"content": ""}, ""),
        ({"content": {"a": [1, True]}}, json.dumps({"a": [1, True]}, indent=4)),
        ({"content": ["a"]}, '[\n    "a"\n]'),
        ({"content": base64.b64encode(b"decoded").decode(), "encoding": "base64"}, "decoded"),
        ({"content": "Y29k\nZWQ=", "encoding": "base64"}, "coded"),
        ({"content": "hello {{who}}", "context": {"who": "world"}}, "hello world"),
        ({"content": "hello {{who}}", "encoding": "plain"}, "hello {{who}}"),
    ],
)
def test_content_is_written(machine: Machine, entry: dict[str, Any], content: str) -> None:
    assert written(machine, entry) == {PATH}
    assert machine.real(PATH).read_text() == content
    assert written(machine, entry) == set()


@pytest.mark.parametrize(
    ("mode", "expected"), [("000400", 0o400), ("0755", 0o755), ("100644", 0o644), (None, 0o644), ("", 0o644)]
)
def test_mode_is_octal(machine: Machine, mode: str | None, expected: int) -> None:
    written(machine, {"content": "x"} if mode is None else {"content": "x", "mode": mode})
    assert stat.S_IMODE(machine.real(PATH).stat().st_mode) == expected


def test_change_of_the_mode_alone_is_a_change(machine: Machine) -> None:
    machine.put(PATH, "x", 0o600)
    assert written(machine, {"content": "x"}) == set()
    assert written(machine, {"content": "x", "mode": "000644"}) == {PATH}
    assert stat.S_IMODE(machine.real(PATH).stat().st_mode) == 0o644


def test_owner_and_group_are_those_of_the_machine(machine: Machine) -> None:
    machine.put("/etc/passwd", PASSWD.format(uid=os.getuid(), gid=os.getgid()))
    machine.put("/etc/group", GROUP.format(gid=os.getgid()))
    assert written(machine, {"content": "x", "owner": "web", "group": "web"}) == {PATH}
    assert machine.real(PATH).stat().st_uid == os.getuid()
    assert written(machine, {"content": "x", "owner": str(os.getuid()), "group": "web"}) == set()


@pytest.mark.parametrize("kind", ["owner", "group"])
def test_unknown_owner_is_an_error_and_nothing_is_written(machine: Machine, kind: str) -> None:
    with pytest.raises(ToolError, match=f"{PATH}: the {kind} 'nobody-here' does not exist"):
        written(machine, {"content": "x", kind: "nobody-here"})
    assert not machine.real(PATH).exists()


@pytest.mark.skipif(os.getuid() != 0, reason="only root gives files away")
def test_file_is_given_to_its_owner(machine: Machine) -> None:
    machine.put("/etc/passwd", PASSWD.format(uid=4321, gid=4322))
    machine.put("/etc/group", GROUP.format(gid=4322))
    written(machine, {"content": "x", "owner": "web", "group": "web"})
    assert (machine.real(PATH).stat().st_uid, machine.real(PATH).stat().st_gid) == (4321, 4322)
    written(machine, {"content": "y"})
    assert (machine.real(PATH).stat().st_uid, machine.real(PATH).stat().st_gid) == (4321, 4322)


def test_symbolic_link_is_made_and_changed(machine: Machine) -> None:
    link = {"content": "/etc/target", "mode": "120644"}
    assert written(machine, link) == {PATH}
    assert os.readlink(machine.real(PATH)) == "/etc/target"
    assert written(machine, link) == set()
    assert written(machine, {"content": "/other", "mode": "120644"}) == {PATH}
    assert os.readlink(machine.real(PATH)) == "/other"


def test_file_takes_the_place_of_a_link_and_leaves_its_target_alone(machine: Machine) -> None:
    target = machine.put("/etc/target", "untouched")
    machine.real("/etc/app").mkdir()
    machine.real(PATH).symlink_to(target)
    assert written(machine, {"content": "untouched"}) == {PATH}
    assert not machine.real(PATH).is_symlink()
    assert written(machine, {"content": "new"}) == {PATH}
    assert target.read_text() == "untouched"


def test_content_comes_from_a_url(machine: Machine, server: Server) -> None:
    server.replies(Reply(b"\x00binary {{a}}"))
    written(machine, {"source": server.url + "/file"})
    assert machine.real(PATH).read_bytes() == b"\x00binary {{a}}"
    written(machine, {"source": server.url + "/file", "context": {"a": "filled"}})
    assert machine.real(PATH).read_bytes() == b"\x00binary filled"


def test_download_that_fails_is_an_error_and_nothing_is_written(machine: Machine, server: Server) -> None:
    server.replies(Reply(b"page", 404))
    with pytest.raises((ToolError, RequestRefused), match="404"):
        written(machine, {"source": server.url + "/file"})
    assert not machine.real(PATH).exists()


def test_download_that_fails_for_now_is_repeated_from_its_beginning(machine: Machine, server: Server) -> None:
    server.replies(Reply(b"half", headers={"Content-Length": "8"}), Reply(status=503), Reply(b"whole"))
    written(machine, {"source": server.url + "/file"})
    assert machine.real(PATH).read_bytes() == b"whole"
    assert len(machine.pauses) == 2


def test_authentication_of_the_entry_is_used(machine: Machine, server: Server) -> None:
    server.replies(Reply(b"x"))
    entry = {"type": "basic", "username": "me", "password": "pass:word"}
    context = context_of(machine, {"mine": entry})
    write(context, {PATH: {"source": server.url, "authentication": "mine"}})
    sent = server.requests[0].headers["authorization"]
    assert base64.b64decode(sent.split()[1]) == b"me:pass:word"


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ({}, "neither content nor source"),
        ("text", "must be a map"),
        ({"content": "x", "mode": "rw-r"}, "'rw-r' is no octal number"),
        ({"content": "x", "encoding": "base64"}, "no base64"),
        ({"source": "ftp://h/x"}, "no URL"),
        ({"source": "http://h/x", "authentication": "nosuch"}, "no authentication 'nosuch'"),
        ({"content": "{{#a}}", "context": {}}, "has no end"),
    ],
)
def test_mistakes_name_the_file(machine: Machine, entry: Any, message: str) -> None:
    with pytest.raises(ToolError, match=f"{PATH}.*{message}"):
        written(machine, entry)


def test_directory_and_relative_path_are_refused(machine: Machine) -> None:
    machine.real(PATH).mkdir(parents=True)
    for entry in ({"content": "x"}, {"content": "x", "mode": "120777"}):
        with pytest.raises(ToolError, match="a directory of this name"):
            written(machine, entry)
    with pytest.raises(ToolError, match="must be an absolute path"):
        written(machine, {"content": "x"}, "etc/file")
