"""Diagnostics of templates on the disk: what is wrong where, as text with the source line or as JSON."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import IO, Any

import click

from stackd.cli.failures import FAILED, Failure
from stackd.cli.output import visible
from stackd.cli.packing import Unreadable, short_path
from stackd.cli.template_source import Texts
from stackd.errors import Place, StackdError, TemplateError

ERROR, WARNING, INFO = "error", "warning", "info"
_COLOURS = {ERROR: "red", WARNING: "yellow", INFO: "blue"}
_WIDEST = 160


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """What a command prints about a place in a template; ``line`` is 0 where no line is to blame."""

    severity: str
    message: str
    path: str = ""
    file: str = ""
    line: int = 0
    column: int = 0
    value: Any = None
    remedy: str = ""
    rule: str = ""
    source: str = ""


def diagnostic(error: StackdError, texts: Texts, severity: str = ERROR, rule: str = "") -> Diagnostic:
    """The diagnostic of an error, with the source text at its place."""
    if not isinstance(error, TemplateError):
        return Diagnostic(severity, error.message, file=texts.root, rule=rule)
    place = texts.original(error.place)
    return Diagnostic(
        severity,
        texts.shortened(error.message),
        texts.shortened(error.path),
        place.file,
        place.line,
        place.column,
        error.value,
        texts.shortened(error.remedy),
        rule,
        texts.line(error.place),
    )


def unreadable(error: Unreadable) -> Diagnostic:
    """The diagnostic of a text that cannot be parsed, or refers to a file that cannot be read."""
    place: Place = error.place
    lines = error.text.splitlines()
    source = lines[place.line - 1] if 0 < place.line <= len(lines) else ""
    return Diagnostic(
        ERROR,
        error.problem,
        error.path,
        file=short_path(place.file),
        line=place.line,
        column=place.column,
        remedy=error.remedy or ("" if error.path else "Correct the syntax."),
        source=source,
    )


def diagnostics_of(failure: Failure, texts: Texts) -> list[Diagnostic]:
    """The diagnostics of a refusal by the API, which may list several mistakes."""
    listed = failure.errors or [{"message": failure.message, "remedy": failure.remedy}]
    return [diagnostic(listed_error(each), texts) for each in listed]


def listed_error(listed: Mapping[str, Any]) -> TemplateError:
    """A mistake as the API lists it."""
    return TemplateError(
        str(listed.get("message", "")),
        path=str(listed.get("path") or ""),
        place=Place.from_data(listed),
        remedy=str(listed.get("remedy") or ""),
        value=listed.get("value"),
    )


class Refused(Failure):
    """Ends the command with what is wrong with the template."""

    def __init__(self, diagnostics: Sequence[Diagnostic], exit_code: int = FAILED) -> None:
        super().__init__("The template is refused.", exit_code)
        self.diagnostics = ordered(diagnostics)

    def show(self, file: IO[Any] | None = None) -> None:
        """Print the diagnostics to standard error."""
        for each in self.diagnostics:
            click.echo(as_text(each), file=file, err=file is None)


def ordered(diagnostics: Iterable[Diagnostic]) -> list[Diagnostic]:
    """The diagnostics in the order of the text."""
    return sorted(diagnostics, key=lambda each: (each.file, each.line, each.column, each.path, each.message))


def show(diagnostics: Sequence[Diagnostic], form: str, **more: Any) -> None:
    """Print the diagnostics; ``more`` is what else an answer in JSON has."""
    if form == "json":
        listed = [{key: value for key, value in asdict(each).items() if value != ""} for each in diagnostics]
        click.echo(json.dumps({"findings": listed, **more}, indent=2, ensure_ascii=False, default=str))
        return
    for each in diagnostics:
        click.echo(as_text(each))


def as_text(found: Diagnostic) -> str:
    """A diagnostic the way compilers write it."""
    place = visible(str(Place(found.file, found.line, found.column)))
    mark = f"{found.severity}: " if found.severity != ERROR else ""
    rule = click.style(f" [{found.rule}]", dim=True) if found.rule else ""
    lines = [
        f"{click.style(place, bold=True)}: {click.style(mark, fg=_COLOURS[found.severity])}"
        f"{visible(_told(found))}{rule}"
    ]
    if found.source:
        lines += _quoted(found)
    if found.value is not None:
        lines.append(visible(f"      value: {json.dumps(found.value, ensure_ascii=False)}"))
    if found.remedy:
        lines.append(visible(f"      remedy: {found.remedy}"))
    return "\n".join(lines)


def _told(found: Diagnostic) -> str:
    """The message with the path, unless it has that, or the stack of which the line below is."""
    stack = found.path.rpartition(".resources.")[0]
    if not found.path or found.path in found.message:
        return found.message
    if found.source and stack and f"{stack}: " in found.message:
        return found.message
    return f"{found.path}: {found.message}"


def _quoted(found: Diagnostic) -> list[str]:
    """The line of text, and below it a caret under the column."""
    number = f"{found.line:5d}"
    at = max(found.column - 1, 0)
    cut = max(0, at - _WIDEST + 40)
    shown = visible(found.source[cut : cut + _WIDEST])
    before = visible(found.source[cut:at])
    lead = "".join("\t" if character == "\t" else " " for character in before)
    caret = click.style("^", fg=_COLOURS[found.severity], bold=True)
    return [f"{number} | {shown}", f"{' ' * len(number)} | {lead}{caret}"]
