"""Asking the API what a change would do, and showing the answer: for `plan` and for every `--dry-run`."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final, NoReturn

import click

from stackd.cli.failures import BAD_INPUT, FAILED, Failure
from stackd.cli.following import path_of
from stackd.cli.output import console, dump, visible
from stackd.cli.plan_text import Line, plan_lines, refused_text

if TYPE_CHECKING:
    from stackd.cli.session import Session

CHANGES: Final = 2
"""The exit code for "there are changes", with ``--detailed-exitcode``."""


def dry_run_options(command: Callable[..., None]) -> Callable[..., None]:
    """The options of every command that can show what it would do."""
    command = detailed_option(command)
    return click.option("--dry-run", is_flag=True, help="Only show what would change.")(command)


def detailed_option(command: Callable[..., None]) -> Callable[..., None]:
    """Adds ``--detailed-exitcode``, with which the exit code shows whether there are changes."""
    return click.option(
        "--detailed-exitcode",
        "detailed",
        is_flag=True,
        help="When only showing: 0 means that nothing would change, 2 that something would, 1 an error.",
    )(command)


@contextmanager
def detailed_errors(detailed: bool) -> Iterator[None]:
    """Ends with 1 whatever fails inside, if asked for, because 2 means changes then."""
    try:
        yield
    except Failure as failure:
        if detailed:
            failure.exit_code = FAILED  # type: ignore[misc]  # click reads it from the instance
        raise


def plan_of(
    session: Session, stack: Mapping[str, Any] | None, body: Mapping[str, Any], *, save: bool = False
) -> dict[str, Any]:
    """The plan of a change of a stack, or of a new one, which ``body`` names then."""
    path = "/stacks/plans" if stack is None else f"{path_of(stack)}/plans"
    answer = session.call("POST", path, {**body, "save": save})
    plan: dict[str, Any] = answer["plan"]
    return plan


def show_plans(plans: Sequence[Mapping[str, Any]], form: str) -> None:
    """Print plans: lines for people, of several below the names of their stacks; all of it for programs."""
    if form != "table":
        click.echo(dump(plans[0] if len(plans) == 1 else list(plans), form))
        return
    for plan in plans:
        if len(plans) > 1:
            click.echo(f"{plan['stack_name']}:")
        print_lines(plan_lines(plan))


def print_lines(lines: Sequence[Line]) -> None:
    """Print lines in their styles, if the output is a terminal."""
    from rich.text import Text

    out = console()
    for line in lines:
        out.print(Text.assemble(*((visible(span.text), span.style) for span in line)), soft_wrap=True)


def end_with(plans: Sequence[Mapping[str, Any]], *, detailed: bool) -> NoReturn:
    """Exit the command; if ``detailed``, the exit code shows whether something would change.

    Raises Failure for a plan with a change that will be refused.
    """
    if refused := " ".join(filter(None, map(refused_text, plans))):
        raise Failure(f"This will fail. {refused}", FAILED if detailed else BAD_INPUT)
    sys.exit(CHANGES if detailed and any(plan.get("steps") for plan in plans) else 0)
