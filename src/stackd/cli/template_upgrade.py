"""`stackd template upgrade`: templates written for a newer version of the language."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from stackd.cli.failures import BAD_INPUT, Failure
from stackd.cli.rewriting import INPUT, Rewriting, read_file, refused, rewriting_options
from stackd.cli.template_source import load_types
from stackd.errors import StackdError

if TYPE_CHECKING:
    from stackd.resources.registry import Registry
    from stackd.rewrite.upgrade import Note, Upgraded
    from stackd.template.versions import Version


@click.command()
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@click.option(
    "--to", "date", metavar="VERSION", help="The version to reach, a date or a name; the newest if absent."
)
@click.option(
    "-f", "--format", "form", type=click.Choice(("text", "json")), default="text", help="How to report."
)
@rewriting_options
@click.pass_obj
def upgrade(
    config_file: str | None, files: tuple[str, ...], date: str | None, form: str, rewriting: Rewriting
) -> None:
    """Write the templates FILE... for a newer heat_template_version; `-` is the input, written to the output.

    Functions that the version has given up, and types and properties that have got another name, are
    rewritten where that changes nothing else; each change is reported with its line. What cannot be rewritten
    is remarked upon and left. The template means the same afterwards: if it cannot in the version asked for,
    it gets the newest one in which it does, and the exit code is 1.
    """
    from stackd.cli.settings import load_settings

    version = _version(date)
    registry = load_types(load_settings(config_file))
    changed, reached, reports = False, True, []
    for file in files:
        text = read_file(file)
        done = _upgraded(file, text, registry, version)
        reached &= done.reached
        changed |= rewriting.deliver(file, text, done.text)
        reports.append({"file": file, "from": done.before, "to": done.after, "notes": _listed(done)})
        if form == "text":
            for note in done.notes:
                click.echo(_as_text(file, note), err=rewriting.diff or file == INPUT)
    if form == "json":
        click.echo(json.dumps(reports, indent=2, ensure_ascii=False), err=rewriting.diff or INPUT in files)
    rewriting.end(changed, failed=not reached)


def _version(date: str | None) -> Version | None:
    """The version of HOT that a date or name means; raises Failure."""
    from stackd.rewrite.upgrade import HOT_VERSIONS

    if date is None:
        return None
    for version in HOT_VERSIONS:
        if date in (version.date, *version.aliases):
            return version
    known = ", ".join(version.date for version in HOT_VERSIONS)
    raise Failure(f"There is no version {date} of HOT.", BAD_INPUT, f"Versions are {known}.")


def _upgraded(file: str, text: str, registry: Registry, version: Version | None) -> Upgraded:
    from stackd.rewrite.upgrade import upgrade as upgrade_text

    try:
        return upgrade_text(text, registry, version, file)
    except StackdError as error:
        raise refused(error, file, text) from error


def _listed(done: Upgraded) -> list[dict[str, Any]]:
    """The notes for programs."""
    return [
        {**asdict(note), "place": {"line": note.place.line, "column": note.place.column}}
        for note in done.notes
    ]


def _as_text(file: str, note: Note) -> str:
    """A note the way compilers write it."""
    place = click.style(f"{file}:{note.place.line}:{note.place.column}", bold=True)
    kind = click.style(note.kind, fg="green" if note.kind == "change" else "yellow")
    return f"{place}: {kind}: {note.path}: {note.message}"
