"""`stackd stack`: which commands there are for stacks, and the options that all of them share."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from stackd.cli.main import Entry, LazyGroup
from stackd.cli.output import FORMATS

if TYPE_CHECKING:
    from stackd.cli.session import Session

COMMANDS = {
    "create": Entry("stackd.cli.changing", "create", "Create a stack."),
    "update": Entry("stackd.cli.changing", "update", "Change a stack, or show what a change would do."),
    "delete": Entry("stackd.cli.changing", "delete", "Delete stacks."),
    "plan": Entry("stackd.cli.planning", "plan", "See what a change would do, and keep that."),
    "apply": Entry("stackd.cli.planning", "apply", "Do exactly what a plan says."),
    "preview": Entry("stackd.cli.changing", "preview", "Show the resources that a template would make."),
    "list": Entry("stackd.cli.reading", "list_", "List stacks."),
    "show": Entry("stackd.cli.reading", "show", "Show a stack."),
    "resources": Entry("stackd.cli.reading", "resources", "List the resources of a stack."),
    "events": Entry("stackd.cli.reading", "events", "Show what has happened to a stack."),
    "outputs": Entry("stackd.cli.reading", "outputs", "Show the outputs of a stack."),
    "failures": Entry("stackd.cli.reading", "failures", "Show what has failed in a stack, and why."),
    "wait": Entry("stackd.cli.running", "wait", "Follow a stack until nothing happens to it any more."),
    "suspend": Entry("stackd.cli.running", "suspend", "Let stacks rest, with their servers."),
    "resume": Entry("stackd.cli.running", "resume", "Let suspended stacks go on."),
    "check": Entry("stackd.cli.running", "check", "See whether all that stacks have made is still well."),
    "cancel": Entry("stackd.cli.running", "cancel", "Stop a creation or update."),
    "snapshot": Entry("stackd.cli.snapshots", "snapshot", "Keep what a stack is, and bring it back."),
    "export": Entry("stackd.cli.adopting", "export", "Print a stack with all its resources and secrets."),
    "abandon": Entry("stackd.cli.adopting", "abandon", "Delete a stack and keep all that it made."),
    "adopt": Entry("stackd.cli.adopting", "adopt", "Make a stack of what another one has left."),
    "resource": Entry("stackd.cli.resource", "resource", "See, signal or mark one resource."),
    "template": Entry("stackd.cli.originals", "template", "See the template of a stack."),
    "environment": Entry("stackd.cli.originals", "environment", "See the environment of a stack."),
    "hook": Entry("stackd.cli.pausing", "hook", "See which resources pause, and let them go on."),
}


@dataclass(frozen=True, slots=True)
class Target:
    """Which API a command speaks to, and how it shows the answer."""

    endpoint: str
    form: str

    def session(self) -> Session:
        """A session with the credentials of the environment."""
        from stackd.cli.clouds import with_cloud
        from stackd.cli.session import Session

        return Session(with_cloud(os.environ), self.endpoint)


@click.group(cls=LazyGroup, entries=COMMANDS)
def stack() -> None:
    """Create, watch, change and delete stacks.

    Credentials are taken from the OS_* variables, the endpoint from the catalog.
    """


def target_options(command: Callable[..., None]) -> Callable[..., None]:
    """The options of every command that calls the API; the command gets them as its `target`."""

    @functools.wraps(command)
    def run(*, endpoint: str, form: str, **given: Any) -> None:
        command(target=Target(endpoint, form), **given)

    run = click.option(
        "--endpoint", default="", metavar="URL", help="The orchestration API, instead of the catalog's."
    )(run)
    return click.option(
        "-f", "--format", "form", type=click.Choice(FORMATS), default="table", help="How to show the answer."
    )(run)
