"""Showing answers: tables for people, JSON and YAML for programs."""

from __future__ import annotations

import json
import re
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
_READABLE = 16
"""Characters below which a column of words is not worth having."""
_ID = 42
"""An id with the marks around it in a list; longer words are broken."""
_COLOURS = {"COMPLETE": "green", "FAILED": "red", "IN_PROGRESS": "yellow"}


_CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]|\r(?!\n)")
"""Characters that a terminal takes for commands, also those that turn around or break what stands behind."""


def visible(text: str) -> str:
    """The text with control characters written out, but for tabs and line ends.

    Names, values and reasons were written by others, who could else do with the terminal what they want.
    """
    return _CONTROLS.sub(lambda found: _written(ord(found[0])), text)


def _written(code: int) -> str:
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"


class Column(NamedTuple):
    """A column of a table: its heading, how much it matters, and whether its cells may be broken.

    Where a terminal is too narrow, the columns of the highest ``rank`` are left out. Ids, statuses and times
    are shown whole or not at all; ``flexible`` text is broken over several lines, between words if it
    ``keeps_words``.
    """

    heading: str
    rank: int = 0
    flexible: bool = False
    keeps_words: bool = False


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
    """A table that is no wider than ``width``, and the columns that had no room in it.

    A column in which no row has anything is not shown either.
    """
    from rich import box
    from rich.table import Table

    filled = {
        key: column for key, column in columns.items() if not rows or any(text(r.get(key)) for r in rows)
    }
    cells = {key: [text(row.get(key)) for row in rows] for key in filled}
    widths = _widths(filled, cells, width)
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
    for key, wide in widths.items():
        table.add_column(filled[key].heading, overflow="fold", width=wide)
    for row in zip(*(cells[key] for key in widths), strict=True):
        table.add_row(*(coloured(cell) for cell in row))
    return table, [column for key, column in filled.items() if key not in widths]


def _widths(columns: Mapping[str, Column], cells: Mapping[str, Sequence[str]], width: int) -> dict[str, int]:
    """The widths of the columns that fit, the most important of which get what they need first."""
    by_rank = sorted(columns, key=lambda key: columns[key].rank)
    chosen: dict[str, int] = {}
    for key in by_rank:
        least = _least(columns[key], cells[key])
        if not chosen or sum(chosen.values()) + _GAP * len(chosen) + least <= width:
            chosen[key] = least
    left = width - sum(chosen.values()) - _GAP * (len(chosen) - 1)
    for key, least in list(chosen.items()):
        more = max(min(_widest(columns[key], cells[key]) - least, left), 0)
        chosen[key] = least + more
        left -= more
    return {key: chosen[key] for key in columns if key in chosen}


def _widest(column: Column, cells: Sequence[str]) -> int:
    return max(_length(line) for cell in (column.heading, *cells) for line in (cell.splitlines() or [""]))


def _least(column: Column, cells: Sequence[str]) -> int:
    """The width without which a column is not shown; ids and types stay whole."""
    widest = _widest(column, cells)
    if not column.flexible:
        return widest
    longest = max((_length(word) for cell in cells for word in cell.split()), default=0)
    return max(min(widest, _READABLE), longest if column.keeps_words and longest <= _ID else 0)


def _length(line: str) -> int:
    from rich.cells import cell_len

    return cell_len(line)


def show_record(record: Mapping[str, Any], keys: Sequence[str], form: str) -> None:
    """One thing: the keys, one to a line, in a table; all of it in JSON and YAML."""
    if form != "table":
        click.echo(dump(record, form))
        return
    from rich.table import Table
    from rich.text import Text

    out = console()
    shown = {visible(key): text(record[key]) for key in keys if record.get(key) not in (None, "", [], {})}
    table = Table(box=None, show_header=False, pad_edge=False)
    widest = max((len(key) for key in shown), default=0)
    table.add_column(overflow="fold", width=min(widest, max(out.width - _ID, _READABLE)))
    table.add_column(overflow="fold")
    for key, value in shown.items():
        table.add_row(Text(key), coloured(value.strip()))
    out.print(table)


def dump(value: object, form: str) -> str:
    """The value as JSON or YAML text."""
    if form == "json":
        text = json.dumps(value, indent=2, ensure_ascii=False)
        return _CONTROLS.sub(lambda found: f"\\u{ord(found[0]):04x}", text)  # json leaves those from 0x7f on
    from stackd.rewrite.writer import to_yaml

    return to_yaml(value).removesuffix("\n")


def text(value: object) -> str:
    """A value in a cell of a table."""
    if value is None:
        return ""
    return visible(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))


def coloured(value: str) -> Text:
    """The text, in the colour of the status that it is."""
    from rich.text import Text

    return Text(value, style=next((_COLOURS[end] for end in _COLOURS if value.endswith("_" + end)), ""))
