"""The live table."""

from __future__ import annotations

import io
from typing import Any

from rich.console import Console

from stackd.cli.following import _table
from stackd.cli.progress import Progress, Row


def drawn(progress: Progress, height: int) -> str:
    stack: dict[str, Any] = {"stack_name": "shop", "stack_status": "CREATE_IN_PROGRESS"}
    console = Console(file=io.StringIO(), width=120)
    console.print(_table(progress, stack, 7.4, height))
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


def test_table_is_no_higher_than_the_terminal() -> None:
    rows = {("S", str(number)): Row(f"r{number}") for number in range(100)}
    text = drawn(Progress(rows), 4)
    assert text.count("INIT_COMPLETE") == 4
    assert "0 of 100 done" in text
