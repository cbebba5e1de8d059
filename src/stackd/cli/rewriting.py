"""What the commands that rewrite files share: reading a file, and writing it, showing the difference or only
checking whether there is one."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import click

from stackd.cli.diagnostics import ERROR, Diagnostic, Refused
from stackd.cli.failures import BAD_INPUT, FAILED, Failure
from stackd.cli.packing import decoded
from stackd.errors import StackdError, TemplateError

INPUT: Final = "-"


@dataclass(frozen=True, slots=True)
class Rewriting:
    """What is to become of rewritten files: written, shown as a difference, or only checked."""

    check: bool
    diff: bool

    def deliver(self, file: str, before: str, after: str) -> bool:
        """Write or show what a file has become; whether it has changed."""
        changed = before != after
        if self.diff:
            click.echo("".join(difference(file, before, after)), nl=False)
        elif self.check:
            if changed:
                click.echo(f"{file}: would change")
        elif file == INPUT:
            click.echo(after, nl=False)
        elif changed:
            _write(Path(file), after)
        return changed

    def end(self, changed: bool, *, failed: bool = False) -> None:
        """End the command with its exit code."""
        sys.exit(FAILED if failed or (self.check and changed) else 0)


def rewriting_options(command: Callable[..., None]) -> Callable[..., None]:
    """The options of every command that rewrites files; the command gets them as its `rewriting`."""

    @functools.wraps(command)
    def run(*, check: bool, diff: bool, **given: Any) -> None:
        command(rewriting=Rewriting(check, diff), **given)

    for option in (
        click.option("--diff", is_flag=True, help="Show what would change, and write nothing."),
        click.option("--check", is_flag=True, help="Write nothing; exit with 1 when something would change."),
    ):
        run = option(run)
    return run


def read_file(file: str) -> str:
    """The text of a file, or of the input for `-`; raises Failure."""
    try:
        content = sys.stdin.buffer.read() if file == INPUT else Path(file).read_bytes()
    except OSError as error:
        raise Failure(f"{file} cannot be read: {error.strerror}.", BAD_INPUT) from error
    return decoded(content, "The input" if file == INPUT else file)


def refused(error: StackdError, file: str, text: str) -> Refused:
    """What ends the command when the text of a file cannot be rewritten."""
    if not isinstance(error, TemplateError):
        return Refused([Diagnostic(ERROR, error.message, file=file)])
    place = error.place
    lines = text.splitlines()
    source = lines[place.line - 1] if 0 < place.line <= len(lines) else ""
    return Refused(
        [
            Diagnostic(
                ERROR,
                error.message,
                error.path,
                file,
                place.line,
                place.column,
                None,
                error.remedy,
                "",
                source,
            )
        ]
    )


def difference(file: str, before: str, after: str) -> Iterator[str]:
    """The lines of a unified diff, coloured; none when nothing differs."""
    import difflib

    old, new = before.splitlines(keepends=True), after.splitlines(keepends=True)
    for line in difflib.unified_diff(old, new, f"{file} (as it is)", file):
        colour = {"+": "green", "-": "red", "@": "cyan"}.get(line[:1])
        end = "" if line.endswith("\n") else "\n\\ No newline at end of file\n"
        yield click.style(line, fg=colour) + end if colour else line + end


def _write(path: Path, text: str) -> None:
    try:
        path.write_bytes(text.encode())
    except OSError as error:
        raise Failure(f"{path} cannot be written: {error.strerror}.", BAD_INPUT) from error
