"""Showing answers: tables for people, JSON and YAML for programs."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

FORMATS = ("table", "json", "yaml")
_WIDE = 400
_COLOURS = {"COMPLETE": "green", "FAILED": "red", "IN_PROGRESS": "yellow"}


def console(*, stderr: bool = False) -> Console:
    """A console that cuts nothing off when its output goes to a file or pipe."""
    from rich.console import Console

    stream = sys.stderr if stderr else sys.stdout
    return Console(stderr=stderr, width=None if stream.isatty() else _WIDE, highlight=False)


def show_rows(rows: Sequence[Mapping[str, Any]], columns: Mapping[str, str], form: str) -> None:
    """A list: the columns, as key in the rows → heading, in a table; whole rows in JSON and YAML."""
    if form != "table":
        click.echo(dump(list(rows), form))
        return
    from rich import box
    from rich.table import Table

    table = Table(*columns.values(), box=box.SIMPLE_HEAD, pad_edge=False)
    for row in rows:
        table.add_row(*(coloured(text(row.get(key))) for key in columns))
    console().print(table)


def show_record(record: Mapping[str, Any], keys: Sequence[str], form: str) -> None:
    """One thing: the keys, one to a line, in a table; all of it in JSON and YAML."""
    if form != "table":
        click.echo(dump(record, form))
        return
    from rich.table import Table

    table = Table(box=None, show_header=False, pad_edge=False)
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
