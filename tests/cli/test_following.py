"""The live table."""

from __future__ import annotations

import io
from typing import Any

from rich.console import Console

from stackd.cli.following import _table
from stackd.cli.progress import Progress, Row


def drawn(progress: Progress, height: int, width: int = 120) -> str:
    stack: dict[str, Any] = {"stack_name": "shop", "stack_status": "CREATE_IN_PROGRESS"}
    console = Console(file=io.StringIO(), width=width)
    console.print(_table(progress, stack, 7.4, (width, height)))
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_table_shows_stack_rows_and_counts() -> None:
    rows = {
        ("S", "a"): Row("a", "T", "CREATE_COMPLETE", "state changed"),
        ("S", "b"): Row("web/b", "T", "CREATE_FAILED", "No quota"),
        ("S", "c"): Row("c", "T", "CREATE_IN_PROGRESS"),
    }
    text = drawn(Progress(rows), 10)
    assert "shop  CREATE_IN_PROGRESS  7 s" in text
    assert "✗   web/b" in text
    assert "No quota" in text
    assert "state changed" not in text
    assert "1 of 3 done, 1 running, 1 failed" in text


def test_title_and_counts_are_whole_before_anything_is_known() -> None:
    lines = drawn(Progress({}), 10).splitlines()
    assert lines[0].rstrip() == "shop  CREATE_IN_PROGRESS  7 s"
    assert lines[-1].rstrip() == "0 of 0 done, 0 running"


def test_table_is_no_higher_than_the_terminal() -> None:
    rows = {("S", str(number)): Row(f"r{number}") for number in range(100)}
    text = drawn(Progress(rows), 9)
    assert text.count("INIT_COMPLETE") == 4
    assert "0 of 100 done" in text


def test_status_is_whole_and_no_line_is_broken_in_80_columns() -> None:
    reason = "Forbidden: resources.a.resources.server-with-a-long-name: " + "no quota " * 20
    rows = {
        ("S", "a"): Row(
            "a-group-of-servers/0/server-with-a-long-name", "OS::Nova::Server", "UPDATE_FAILED", reason
        ),
        ("S", "b"): Row("b", "OS::Neutron::FloatingIPAssociation", "CREATE_IN_PROGRESS"),
    }
    text = drawn(Progress(rows), 24, width=80)
    assert "CREATE_IN_PROGRESS" in text
    assert len(text.splitlines()) == 6
    assert max(len(line) for line in text.splitlines()) <= 80


def test_failure_inside_is_told_once_at_its_root() -> None:
    rows = {("S", "group"): Row("group", "G", "CREATE_FAILED", "X: resources.group.resources.0: no room")}
    text = drawn(Progress(rows), 24)
    assert "in 0" in text
    assert "no room" not in text
