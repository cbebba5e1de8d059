"""What ends a command: a message for the person, an exit code for the script.

The codes: 0 done, 1 the operation failed, 2 wrong usage or input, 3 not found, 4 not authenticated or not
allowed, 5 the service cannot be reached, 130 interrupted while the operation goes on.
"""

from __future__ import annotations

import sys
from typing import IO, Any

import click

from stackd.cli.output import visible

FAILED = 1
BAD_INPUT = 2
NOT_FOUND = 3
DENIED = 4
UNREACHABLE = 5
INTERRUPTED = 130
"""What shells give a command that Ctrl-C has ended."""


class Failure(click.ClickException):
    """Ends the command with a message, an exit code, and if known the remedy."""

    def __init__(self, message: str, exit_code: int = FAILED, remedy: str = "") -> None:
        super().__init__(message)
        self.exit_code = exit_code  # type: ignore[misc]  # click reads it from the instance
        self.remedy = remedy
        self.errors: list[dict[str, Any]] = []
        """All mistakes in a template that the server lists, the first of which is this one."""

    def show(self, file: IO[Any] | None = None) -> None:
        """Print it to standard error."""
        out = file or sys.stderr
        click.secho("Error: ", fg="red", bold=True, nl=False, file=out)
        click.echo(visible(self.message), file=out)
        if self.remedy:
            click.echo(visible(f"Remedy: {self.remedy}"), file=out)


def confirm(question: str) -> None:
    """Return if the person agrees, and abort otherwise; Failure if there is nobody who could answer."""
    try:
        agrees = click.confirm(question, err=True)
    except click.Abort:
        if sys.stdin.isatty():
            raise
        click.echo(err=True)
        raise Failure("Nobody has answered.", BAD_INPUT, "Use --yes where there is no terminal.") from None
    if not agrees:
        raise click.Abort


def why(error: Exception) -> str:
    """Why a file cannot be read or written, in words for people."""
    if isinstance(error, UnicodeDecodeError):
        return "it is not UTF-8 text"
    return (error.strerror if isinstance(error, OSError) else None) or str(error)


_CODES = {401: DENIED, 403: DENIED, 404: NOT_FOUND, 503: UNREACHABLE, 504: UNREACHABLE}


def from_answer(status: int, body: object) -> Failure:
    """The failure that an HTTP error of the orchestration API, or of Keystone, stands for.

    The place in the template and the remedy are shown when the server gives them.
    """
    code = _CODES.get(status, BAD_INPUT if status < 500 else FAILED)
    error = body.get("error") if isinstance(body, dict) else None
    if not isinstance(error, dict):
        return Failure(f"The server answered HTTP {status}.", code)
    message = str(error.get("message") or f"The server answered HTTP {status}.")
    where = _place(error)
    failure = Failure(f"{where}: {message}" if where else message, code, str(error.get("remedy") or ""))
    failure.errors = [each for each in error.get("errors") or () if isinstance(each, dict)]
    return failure


def _place(error: dict[str, Any]) -> str:
    """`file:line:column`, or empty if the server did not return it."""
    place = error.get("place")
    if isinstance(place, dict) and (place.get("file") or place.get("line")):
        parts = [place.get("file") or "template", place.get("line"), place.get("column")]
        return ":".join(str(part) for part in parts if part)
    return place if isinstance(place, str) else ""
