"""`stackd template validate` and `lint`: what is wrong with a template, and what is only suspicious."""

from __future__ import annotations

import sys
from typing import Any

import click

from stackd.cli.failures import FAILED, Failure
from stackd.cli.stack import Target
from stackd.cli.template import source_options
from stackd.cli.template_findings import ERROR, Finding, Refused, finding, ordered, show
from stackd.cli.template_source import Given, Texts
from stackd.cli.template_work import checked, opened, packed
from stackd.engine.expand import Expanded
from stackd.errors import Place, TemplateError
from stackd.template.describe import describe_template

_format_option = click.option(
    "-f",
    "--format",
    "form",
    type=click.Choice(("text", "json")),
    default="text",
    help="For people or for programs.",
)


@click.command()
@source_options
@click.option("--show-nested", is_flag=True, help="Show what the template and its nested ones take.")
@click.option("--server", is_flag=True, help="Ask the orchestration API of the OS_* variables instead.")
@click.option(
    "--endpoint", default="", metavar="URL", help="With --server, the API instead of the catalog's."
)
@_format_option
def validate(given: Given, show_nested: bool, server: bool, endpoint: str, form: str) -> None:
    """Find every mistake in the template FILE, its environments and its nested templates.

    Parameters need no values. The exit code is 0 when nothing is wrong, 1 when something is.
    """
    try:
        if server:
            found, description = _asked(given, Target(endpoint, form), nested=show_nested)
        else:
            found, description = _checked(given)
    except Refused as refused:
        found, description = refused.findings, {}
    wrong = any(each.severity == ERROR for each in found)
    show(ordered(found), form, valid=not wrong, **description)
    if form == "text" and not wrong:
        click.echo(f"{given.file}: no mistakes")
        for line in _takes(description) if show_nested else ():
            click.echo(line)
    sys.exit(FAILED if wrong else 0)


def _checked(given: Given) -> tuple[list[Finding], dict[str, Any]]:
    """What stackd itself finds, and a description of the template."""
    work = opened(given)
    found = checked(work)
    description = describe_template(work.source.template, work.source.environment.parameters)
    if found.expanded is not None and found.expanded.children:
        description["NestedParameters"] = _below(found.expanded)
    return [*map(work.finding, found.errors), *found.notes], description


def _below(expanded: Expanded) -> dict[str, Any]:
    """The descriptions of the stacks inside, by the resource that contains each."""
    shown: dict[str, Any] = {}
    for name, child in expanded.children.items():
        source = child.desired.source
        shown[name] = {
            "Type": expanded.desired.resources[name].type,
            **describe_template(source.template, source.environment.parameters),
        }
        if child.children:
            shown[name]["NestedParameters"] = _below(child)
    return shown


def _takes(description: dict[str, Any], indent: str = "  ") -> list[str]:
    """The parameters of a template, and below them those of its nested stacks."""
    lines = []
    for name, parameter in description.get("Parameters", {}).items():
        value = parameter.get("Value", parameter.get("Default"))
        shown = "" if value is None else f" = {value}"
        lines.append(f"{indent}{name}: {parameter['Type']}{shown}")
    for name, child in description.get("NestedParameters", {}).items():
        lines += [f"{indent}{name} ({child['Type'].rsplit('/')[-1]}):", *_takes(child, indent + "  ")]
    return lines


def _asked(given: Given, target: Target, *, nested: bool) -> tuple[list[Finding], dict[str, Any]]:
    """What the API's validation says."""
    package = packed(given)
    texts = Texts.of(given, package)
    body = package.body() | {"parameters": given.values()}
    with target.session() as session:
        try:
            answer = session.call("POST", "/validate", body, {"show_nested": str(nested).lower()})
        except Failure as failure:
            if not failure.errors:
                raise
            return [finding(_error(each), texts, None) for each in failure.errors], {}
    told = answer.pop("errors", ())
    return [finding(_error(each), texts, None) for each in told], answer


def _error(listed: dict[str, Any]) -> TemplateError:
    """A mistake as the API lists it."""
    return TemplateError(
        str(listed.get("message", "")),
        path=str(listed.get("path") or ""),
        place=Place(listed.get("file") or "", listed.get("line") or 0, listed.get("column") or 0),
        remedy=str(listed.get("remedy") or ""),
    )
