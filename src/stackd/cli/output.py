"""Showing answers: tables for people, JSON and YAML for programs."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import click

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

FORMATS = ("table", "json", "yaml")
_WIDE = 400
_GAP = 3
_READABLE = 20
"""Characters below which a column of words is not worth having."""
_COLOURS = {"COMPLETE": "green", "FAILED": "red", "IN_PROGRESS": "yellow"}


class Column(NamedTuple):
    """A column of a table: its heading, how much it matters, and whether its cells may be broken.

    Where a terminal is too narrow, the columns of the highest ``rank`` are left out. Ids, statuses and times
    are shown whole or not at all; ``flexible`` text is broken over several lines.
    """

    heading: str
    rank: int = 0
    flexible: bool = False


def console(*, stderr: bool = False) -> Console:
    """A console that cuts nothing off, and has no colours, when its output goes to a file or pipe."""
    from rich.console import Console

    stream = sys.stderr if stderr else sys.stdout
    terminal = stream.isatty()
    return Console(stderr=stderr, width=None if terminal else _WIDE, highlight=False, force_terminal=terminal)


def show_rows(rows: Sequence[Mapping[str, Any]], columns: Mapping[str, Column], form: str) -> None:
    """A list: the columns, as key in the rows → column, in a table; whole rows in JSON and YAML."""
    if form != "table":
        click.echo(dump(list(rows), form))
        return
    out = console()
    table, left_out = fitted_table(rows, columns, out.width)
    out.print(table)
    if left_out:
        names = ", ".join(column.heading for column in left_out)
        click.echo(f"Left out, as there is no room: {names}. -f json shows everything.", err=True)


def fitted_table(
    rows: Sequence[Mapping[str, Any]], columns: Mapping[str, Column], width: int
) -> tuple[Table, list[Column]]:
    """A table that is no wider than ``width``, and the columns that had no room in it."""
    from rich import box
    from rich.table import Table

    cells = {key: [text(row.get(key)) for row in rows] for key in columns}
    shown = _with_room({key: _least(column, cells[key]) for key, column in columns.items()}, columns, width)
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
    for key in shown:
        column = columns[key]
        needed = None if column.flexible else _widest(column, cells[key])
        table.add_column(column.heading, overflow="fold", no_wrap=not column.flexible, min_width=needed)
    for row in zip(*(cells[key] for key in shown), strict=True):
        table.add_row(*(coloured(cell) for cell in row))
    return table, [column for key, column in columns.items() if key not in shown]


def _with_room(least: Mapping[str, int], columns: Mapping[str, Column], width: int) -> list[str]:
    """The columns that fit, the most important first considered, in their own order."""
    chosen: list[str] = []
    used = -_GAP
    for key in sorted(columns, key=lambda key: columns[key].rank):
        if not chosen or used + _GAP + least[key] <= width:
            chosen.append(key)
            used += _GAP + least[key]
    return [key for key in columns if key in chosen]


def _widest(column: Column, cells: Sequence[str]) -> int:
    return max(len(line) for cell in (column.heading, *cells) for line in (cell.splitlines() or [""]))


def _least(column: Column, cells: Sequence[str]) -> int:
    """The width without which a column is not shown."""
    widest = _widest(column, cells)
    return min(widest, _READABLE) if column.flexible else widest


def show_record(record: Mapping[str, Any], keys: Sequence[str], form: str) -> None:
    """One thing: the keys, one to a line, in a table; all of it in JSON and YAML."""
    if form != "table":
        click.echo(dump(record, form))
        return
    from rich.table import Table

    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for key in keys:
        if record.get(key) not in (None, "", [], {}):
            table.add_row(key, coloured(text(record[key])))
    console().print(table)


def dump(value: object, form: str) -> str:
    """The value as JSON or YAML text."""
    if form == "json":
        return json.dumps(value, indent=2, ensure_ascii=False)
    from stackd.rewrite.writer import to_yaml

    return to_yaml(value).removesuffix("\n")


def text(value: object) -> str:
    """A value in a cell of a table."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False)


def coloured(value: str) -> Text:
    """The text, in the colour of the status that it is."""
    from rich.text import Text

    return Text(value, style=next((_COLOURS[end] for end in _COLOURS if value.endswith("_" + end)), ""))
