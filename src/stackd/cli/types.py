"""`stackd types`: the resource types that this server knows, and their reference."""

from __future__ import annotations

from pathlib import Path

import click

from stackd.cli.main import Entry, LazyGroup
from stackd.cli.settings import load_settings
from stackd.resources.registry import load_registry

COMMANDS = {
    "scaffold": Entry("stackd.cli.scaffolding", "scaffold", "Write a new resource type and its test."),
}


@click.group(cls=LazyGroup, entries=COMMANDS, invoke_without_command=True)
@click.option(
    "--reference",
    type=click.Path(file_okay=False, path_type=Path),
    help="Write the documentation of the built-in types, as pages of Markdown, into a directory.",
)
@click.pass_context
def types(context: click.Context, reference: Path | None) -> None:
    """List the resource types, with those of the configured plug-ins, or begin a new one."""
    config_file: str | None = context.obj
    if context.invoked_subcommand is not None:
        return
    if reference is not None:
        write_reference(reference)
        return
    directories = load_settings(config_file).plugins.directories
    for name in load_registry([Path(each) for each in directories]).matching():
        click.echo(name)


def write_reference(directory: Path) -> None:
    """Write the pages of all types, and remove those of types that no longer exist."""
    from stackd.cli.type_pages import FOLDER, reference

    pages = reference(load_registry())
    (directory / FOLDER).mkdir(parents=True, exist_ok=True)
    for old in (directory / FOLDER).glob("*.md"):
        if f"{FOLDER}/{old.name}" not in pages:
            old.unlink()
    for path, text in pages.items():
        (directory / path).write_text(text, "utf-8")
