"""`stackd template`: which commands there are for templates, and the options that they share."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import click

from stackd.cli.main import Entry, LazyGroup

COMMANDS = {
    "validate": Entry("stackd.cli.template_check", "validate", "Find every mistake in a template."),
    "lint": Entry("stackd.cli.template_check", "lint", "Find what is allowed but probably not meant."),
    "rules": Entry("stackd.cli.template_check", "rules", "List the rules of lint."),
    "graph": Entry("stackd.cli.template_graph", "graph", "Draw what needs what."),
    "resolve": Entry("stackd.cli.template_resolve", "resolve", "Show a template with its values filled in."),
    "format": Entry("stackd.cli.template_format", "format_", "Lay templates out in the one way."),
    "upgrade": Entry("stackd.cli.template_upgrade", "upgrade", "Write templates for a newer version."),
    "schema": Entry("stackd.cli.template_schema", "schema", "Print the JSON Schema for editors."),
}


@click.group(cls=LazyGroup, entries=COMMANDS)
def template() -> None:
    """Check, draw, evaluate and rewrite templates, and teach editors to write them.

    Everything works on files, without a server or a cloud.
    """


def source_options(command: Callable[..., None]) -> Callable[..., None]:
    """The arguments of every command that reads a template; the command gets them as its `given`."""

    @functools.wraps(command)
    @click.pass_obj
    def run(
        config_file: str | None,
        /,
        *,
        file: str,
        environments: tuple[str, ...],
        parameters: tuple[str, ...],
        **rest: Any,
    ) -> None:
        from stackd.cli.template_source import Given

        command(given=Given(file, environments, parameters, config_file), **rest)

    for option in (
        click.option(
            "-P",
            "-p",
            "--parameter",
            "parameters",
            multiple=True,
            metavar="NAME=VALUE",
            help="A parameter. Repeatable.",
        ),
        click.option(
            "-e",
            "--environment",
            "environments",
            multiple=True,
            metavar="FILE",
            help="An environment; later ones win. Repeatable.",
        ),
        click.argument("file", metavar="FILE"),
    ):
        run = option(run)
    return run
