"""The options that define a stack, and the request body made of them."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from functools import cached_property
from pathlib import Path
from typing import Any

import click

from stackd.cli.failures import BAD_INPUT, Failure, why
from stackd.cli.output import visible
from stackd.cli.packing import Package, leave_references, pack, parameters_in, short_path


@dataclass(frozen=True)
class Definition:
    """The definition of a stack as given by options."""

    template: str | None
    template_url: str | None
    files_container: str | None
    environments: tuple[str, ...]
    parameters: tuple[str, ...]
    parameter_files: tuple[str, ...]
    timeout: int | None
    tags: str | None

    def body(self, *, needs_template: bool = True) -> dict[str, Any]:
        """The part of the request body that the options describe, with all files that it refers to."""
        if self.has_no_template and needs_template:
            raise Failure("Which template?", BAD_INPUT, "Give it with --template FILE.")
        if self.template is not None and self.template_url is not None:
            raise Failure("There are two templates.", BAD_INPUT, "Give --template or --template-url.")
        given = dict(pair(text, "--parameter") for text in self.parameters)
        for key, file in (pair(text, "--parameter-file") for text in self.parameter_files):
            try:
                given[key] = Path(file).read_text("utf-8")
            except (OSError, UnicodeDecodeError) as error:
                raise Failure(f"{file} cannot be read: {why(error)}.", BAD_INPUT) from error
        body = self.package.body() | {"parameters": given}
        self._report_overridden(given)
        body |= {"template_url": self.template_url} if self.template_url is not None else {}
        body |= {"files_container": self.files_container} if self.files_container is not None else {}
        body |= {"timeout_mins": self.timeout} if self.timeout else {}
        return body | ({"tags": self.tags} if self.tags is not None else {})

    def _report_overridden(self, given: Mapping[str, str]) -> None:
        """Tell of parameters that environments set, too: these come after the request's own, as in Heat."""
        for url in self.package.environment_files if given else ():
            if url in self.package.originals:
                for name in sorted(given.keys() & parameters_in(self.package.originals[url], url)):
                    note = (
                        f"Note: {short_path(url)} sets the parameter {name}, too, and comes after -p and -F."
                    )
                    click.echo(visible(note), err=True)

    @cached_property
    def package(self) -> Package:
        """The texts of the template and environments, with all files that they refer to; raises Failure."""
        read = pack if self.files_container is None else leave_references
        return read(self.template, self.environments)

    def explained(self, failure: Failure) -> Failure:
        """A failure, with all mistakes that the server has found as diagnostics of the files on the disk."""
        if "package" not in vars(self) or all(each.get("path") in _NOT_OF_FILES for each in failure.errors):
            return failure
        from stackd.cli.diagnostics import Refused, diagnostics_of
        from stackd.cli.template_source import Texts

        root = self.template or self.template_url or "template"
        texts = Texts(root, self.package.originals, self.package.environment_files)
        return Refused(diagnostics_of(failure, texts), failure.exit_code)

    @property
    def has_no_template(self) -> bool:
        """Whether no option names a template."""
        return self.template is None and self.template_url is None


_NOT_OF_FILES = frozenset({"stack_name"})
"""Paths of mistakes that no file of the request is to blame for."""


def pair(text: str, option: str) -> tuple[str, str]:
    """Key and value of an option of the form KEY=VALUE; raises Failure."""
    key, equals, value = text.partition("=")
    if not equals or not key:
        raise Failure(f"{option} {text!r} is not of the form KEY=VALUE.", BAD_INPUT)
    return key, value


def definition_options(command: Callable[..., None]) -> Callable[..., None]:
    """Adds the options that define a stack; the command gets them as its `definition`."""

    @functools.wraps(command)
    def run(**given: Any) -> None:
        options = {field.name: given.pop(field.name) for field in fields(Definition)}
        definition = Definition(**options)
        try:
            command(definition=definition, **given)
        except Failure as failure:
            raise definition.explained(failure) from failure

    for option in (
        click.option("--tags", help="Tags of the stack, parted by commas."),
        click.option(
            "--timeout", type=click.IntRange(min=1), help="Minutes until the operation is given up."
        ),
        click.option(
            "-F",
            "--parameter-file",
            "parameter_files",
            multiple=True,
            metavar="KEY=FILE",
            help="A parameter whose value is the content of a file. Repeatable.",
        ),
        click.option(
            "-p",
            "--parameter",
            "parameters",
            multiple=True,
            metavar="KEY=VALUE",
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
        click.option(
            "-s",
            "--files-container",
            metavar="NAME",
            help="A container of Swift that has all further files; environments are names of objects in it.",
        ),
        click.option("--template-url", metavar="URL", help="A template that the server fetches itself."),
        click.option("-t", "--template", metavar="FILE", help="The template: a file, a URL, or - for input."),
    ):
        run = option(run)
    return run
