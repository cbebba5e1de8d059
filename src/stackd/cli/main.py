"""The command line's root: which subcommands there are and where they live."""

from __future__ import annotations

import errno
import io
import os
import sys
from collections.abc import Mapping
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from typing import Any, NamedTuple

import click

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)


class Entry(NamedTuple):
    """A subcommand: its module and name, and its line in the help text."""

    module: str
    name: str
    help: str


ROOT = {
    "serve": Entry("stackd.cli.serve", "serve", "Run the server."),
    "dev": Entry(
        "stackd.cli.dev", "dev", "Run the server with a simulated OpenStack, for trying things out."
    ),
    "stack": Entry("stackd.cli.stack", "stack", "Create, watch, change and delete stacks."),
    "enroll": Entry(
        "stackd.cli.enroll", "enroll", "Let the server act for you when you call it with EC2 keys."
    ),
    "template": Entry("stackd.cli.template", "template", "Check, draw, evaluate and rewrite templates."),
    "db": Entry("stackd.cli.db", "db", "Prepare, check and purge the database."),
    "types": Entry("stackd.cli.types", "types", "List the resource types, or begin a new one."),
    "config": Entry("stackd.cli.config", "config", "Show the effective configuration."),
}


class LazyGroup(click.Group):
    """A group that imports a subcommand's module when the subcommand is used, and not for its own help."""

    def __init__(self, *args: Any, entries: Mapping[str, Entry], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.entries = entries

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names, in the order of the table."""
        return list(self.entries)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The subcommand itself."""
        entry = self.entries.get(cmd_name)
        if entry is None:
            return None
        command: click.Command = getattr(import_module(entry.module), entry.name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The list of subcommands in the help text."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, entry.help) for name, entry in self.entries.items()])


def _version() -> str:
    try:
        return version("stackd")
    except PackageNotFoundError:
        return "from source"


@click.group(cls=LazyGroup, entries=ROOT, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--config",
    "config_file",
    metavar="FILE",
    envvar="STACKD_CONFIG",
    help="TOML file of settings; /etc/stackd/stackd.toml or ./stackd.toml when absent.",
)
@click.version_option(_version(), prog_name="stackd")
@click.pass_context
def cli(context: click.Context, config_file: str | None) -> None:
    """Orchestration for OpenStack: Heat's API and templates in one process.

    To try it on this machine: stackd dev
    """
    context.obj = config_file


def main() -> None:
    """What the console script calls."""
    _open_streams()
    try:
        cli(prog_name="stackd")
    except OSError as error:
        if error.errno not in _FULL or error.filename is not None:
            raise
        click.echo(f"Error: The output cannot be written: {error.strerror}.", err=True)
        # Python would try it once more when it ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)


def _open_streams() -> None:
    """Make the standard streams such that everything can be written.

    Those that were closed, for which Python has None, become the null device. What is no terminal takes
    UTF-8, which programs expect of JSON and YAML; a terminal, or what PYTHONIOENCODING names, may know fewer
    characters than there are in names and plans, and gets the others written out.
    """
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode))  # noqa: SIM115  # as long as the process
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            keeps = stream.isatty() or "PYTHONIOENCODING" in os.environ
            stream.reconfigure(encoding=None if keeps else "utf-8", errors="backslashreplace")
