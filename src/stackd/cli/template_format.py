"""`stackd template format`: templates and environments in one layout, for people and their diffs."""

from __future__ import annotations

import click

from stackd.cli.rewriting import Rewriting, read_file, refused, rewriting_options
from stackd.errors import StackdError


@click.command(name="format")
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@rewriting_options
def format_(files: tuple[str, ...], rewriting: Rewriting) -> None:
    """Lay the templates or environments FILE... out in one way; `-` is the input, written to the output.

    Two columns for each level, sequences deeper than their key, comments beside what they are about, no
    blanks at the ends of lines. Lines are neither joined nor broken; words, quotes, order and meaning stay.
    """
    changed = [_format(file, rewriting) for file in files]
    rewriting.end(any(changed))


def _format(file: str, rewriting: Rewriting) -> bool:
    """Lay one file out; whether it has changed."""
    from stackd.rewrite.layout import format_text

    text = read_file(file)
    try:
        return rewriting.deliver(file, text, format_text(text, file))
    except StackdError as error:
        raise refused(error, file, text) from error
