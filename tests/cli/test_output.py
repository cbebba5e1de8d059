"""Tables: what fits a terminal, and what gives way."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from typing import Any

import pytest
from rich.console import Console

from stackd.cli.changing import OUTPUT_COLUMNS
from stackd.cli.diagnostics import Diagnostic, as_text
from stackd.cli.failures import Failure
from stackd.cli.output import (
    Column,
    console,
    dump,
    fitted_table,
    show_record,
    show_rows,
    text,
    visible,
)
from stackd.cli.progress import line
from stackd.cli.reading import _STACK_COLUMNS, RESOURCE_COLUMNS

ID = "60ddf012-8229-4667-a978-50c803ae1558"
TIME = "2026-11-28T23:57:20Z"
STACK = {"stack_name": "shop", "stack_status": "CREATE_COMPLETE", "creation_time": TIME, "id": ID}
RESOURCE = {
    "name": "group/0/server",
    "type": "OS::Neutron::FloatingIPAssociation",
    "resource_status": "CREATE_IN_PROGRESS",
    "physical_resource_id": ID,
    "updated_time": TIME,
}


def drawn(rows: list[Mapping[str, Any]], columns: Mapping[str, Column], width: int) -> tuple[str, list[str]]:
    table, left_out = fitted_table(rows, columns, width)
    out = io.StringIO()
    Console(file=out, width=width).print(table)
    printed = out.getvalue()
    assert max(len(each.rstrip()) for each in printed.splitlines()) <= width
    return printed, [column.heading for column in left_out]


@pytest.mark.parametrize("name", ["shop", "a-very-long-name-of-a-stack-that-somebody-chose"])
def test_id_and_status_of_a_stack_are_whole_in_80_columns(name: str) -> None:
    text, left_out = drawn([STACK | {"stack_name": name}], _STACK_COLUMNS, 80)
    assert ID in text
    assert "CREATE_COMPLETE" in text
    assert left_out == ["Created"]


def test_all_is_shown_where_there_is_room() -> None:
    text, left_out = drawn([STACK], _STACK_COLUMNS, 120)
    assert TIME in text
    assert left_out == []


def test_type_and_status_stay_whole_and_a_failure_comes_before_the_id() -> None:
    text, left_out = drawn([RESOURCE], RESOURCE_COLUMNS, 80)
    assert RESOURCE["type"] in text
    assert RESOURCE["resource_status"] in text
    assert left_out == ["Physical id", "Updated"]
    text, left_out = drawn([RESOURCE | {"failure": "No valid host was found."}], RESOURCE_COLUMNS, 80)
    assert "Failure" in text
    assert "Failure" not in left_out


def test_column_that_is_empty_everywhere_is_not_shown() -> None:
    text, left_out = drawn([STACK], _STACK_COLUMNS, 200)
    assert "Updated" not in text
    assert left_out == []
    assert "Updated" in drawn([], _STACK_COLUMNS, 200)[0]


def test_ids_in_a_value_are_not_broken() -> None:
    output = {"output_key": "volumes", "output_value": [ID, ID], "description": "The ids of the volumes."}
    text, _ = drawn([output], OUTPUT_COLUMNS, 80)
    assert text.count(ID) == 2


def test_file_has_no_colours_whatever_the_environment_says(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    console().print(fitted_table([STACK], _STACK_COLUMNS, 80)[0])
    assert "\x1b" not in capsys.readouterr().out


HOSTILE = "\x1b]0;x\x07\x9b2J[/bold]\r\tend"
SHOWN = "\\x1b]0;x\\x07\\x9b2J[/bold]\\x0d\tend"


def test_what_commands_a_terminal_is_written_out() -> None:
    assert visible(HOSTILE) == SHOWN
    assert visible("a\r\nb\tc\nd é 漢 אב") == "a\r\nb\tc\nd é 漢 אב"


def test_characters_that_turn_text_around_are_written_out() -> None:
    assert visible("keep \u202eeteled\u2066\u2028") == "keep \\u202eeteled\\u2066\\u2028"
    assert json.loads(dump("keep \u202eeteled", "json")) == "keep \u202eeteled"
    assert "\u202e" not in dump("keep \u202eeteled", "json")
    assert text(HOSTILE) == SHOWN
    assert "\x9b" not in text([HOSTILE])


def test_tables_records_and_json_command_no_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    show_rows([{"a": HOSTILE}], {"a": Column("A")}, "table")
    show_record({HOSTILE: HOSTILE}, [HOSTILE], "table")
    show_record({"a": HOSTILE}, ["a"], "json")
    printed = capsys.readouterr().out
    assert not {"\x1b", "\x07", "\x9b", "\r"} & set(printed)
    assert "[/bold]" in printed
    assert json.loads(dump({"a": HOSTILE}, "json")) == {"a": HOSTILE}


def test_failures_and_events_command_no_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    Failure(HOSTILE, remedy=HOSTILE).show()
    event = {
        **{"event_time": "t", "resource_status": "CREATE_FAILED", "resource_name": HOSTILE},
        **{
            "resource_status_reason": HOSTILE,
            "links": [{"rel": "stack", "href": "http://h/v1/p/stacks/s/i"}],
        },
    }
    printed = capsys.readouterr().err + line(event)
    assert not {"\x1b", "\x07", "\x9b"} & set(printed)


def test_mistakes_and_the_lines_that_have_them_command_no_terminal() -> None:
    told = Diagnostic("error", HOSTILE, HOSTILE, HOSTILE, 1, 3, value=HOSTILE, remedy=HOSTILE, source=HOSTILE)
    assert not {"\x07", "\x9b"} & set(as_text(told))
    assert "\x1b]0" not in as_text(told)
