"""cfn-create-aws-symlinks: which links it makes."""

from __future__ import annotations

import os

from tests.cfntools.conftest import Programs


def links(programs: Programs, directory: str = "/opt/aws/bin") -> dict[str, str]:
    found = programs.machine.real(directory)
    return {each.name: os.readlink(each) for each in found.iterdir() if each.is_symlink()}


def test_tools_are_linked_and_nothing_else(programs: Programs) -> None:
    for name in ("cfn-init", "cfn-signal", "other", "cfn"):
        programs.machine.put(f"/usr/bin/{name}", "")
    assert programs("cfn-create-aws-symlinks").returncode == 0
    assert links(programs) == {"cfn-init": "/usr/bin/cfn-init", "cfn-signal": "/usr/bin/cfn-signal"}


def test_what_is_there_stays_unless_it_is_forced(programs: Programs) -> None:
    programs.machine.put("/usr/local/bin/cfn-init", "")
    programs.machine.put("/links/cfn-init", "mine")
    words = ("-s", "/usr/local/bin", "-t", "/links")
    assert programs("cfn-create-aws-symlinks", *words).returncode == 0
    assert programs.machine.real("/links/cfn-init").read_text() == "mine"
    assert programs("cfn-create-aws-symlinks", *words, "--force").returncode == 0
    assert links(programs, "/links") == {"cfn-init": "/usr/local/bin/cfn-init"}


def test_tools_are_never_linked_to_themselves(programs: Programs) -> None:
    programs.machine.put("/usr/bin/cfn-init", "tool")
    assert programs("cfn-create-aws-symlinks", "-t", "/usr/bin", "-f").returncode == 0
    assert programs.machine.real("/usr/bin/cfn-init").read_text() == "tool"


def test_missing_directory_is_named(programs: Programs) -> None:
    done = programs("cfn-create-aws-symlinks", "-s", "/nosuch")
    assert done.returncode == 1
    assert "/nosuch: No such file or directory" in done.stderr
