"""`stackd template validate` and `lint`: what is wrong with a template, and what is only suspicious."""

from __future__ import annotations

import sys
from typing import Any

import click

from stackd.cli.diagnostics import (
    ERROR,
    WARNING,
    Diagnostic,
    Refused,
    diagnostic,
    diagnostics_of,
    listed_error,
    ordered,
    show,
)
from stackd.cli.failures import BAD_INPUT, FAILED, Failure
from stackd.cli.stack import Target
from stackd.cli.template import source_options
from stackd.cli.template_source import Given, Texts
from stackd.cli.template_work import Work, checked, opened, packed
from stackd.engine.validation.tree import Expanded
from stackd.errors import StackdError, all_errors
from stackd.lint import RULES, Severity
from stackd.lint import lint as apply_rules
from stackd.template.describe import describe_template
from stackd.template.template import Template, load_template
from stackd.template.unknown import has_unknown

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
        found, description = refused.diagnostics, {}
    wrong = any(each.severity == ERROR for each in found)
    show(ordered(found), form, valid=not wrong, **description)
    if form == "text" and not wrong:
        click.echo(f"{given.file}: no mistakes")
        for line in _takes(description) if show_nested else ():
            click.echo(line)
    sys.exit(FAILED if wrong else 0)


def _checked(given: Given) -> tuple[list[Diagnostic], dict[str, Any]]:
    """What stackd itself finds, and a description of the template."""
    work = opened(given)
    found = checked(work)
    description = describe_template(work.source.template, work.source.environment.parameters)
    if found.expanded is not None and found.expanded.children:
        description["NestedParameters"] = _below(found.expanded)
    return [*work.diagnostics(found.errors, ERROR), *work.diagnostics(found.warnings, WARNING)], description


def _below(expanded: Expanded) -> dict[str, Any]:
    """The descriptions of the stacks inside, by the resource that contains each."""
    shown: dict[str, Any] = {}
    for name, child in expanded.children.items():
        source = child.desired.source
        known = {key: each for key, each in source.environment.parameters.items() if not has_unknown(each)}
        described = describe_template(source.template, known)
        shown[name] = {"Type": expanded.desired.resources[name].type, **described}
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


def _asked(given: Given, target: Target, *, nested: bool) -> tuple[list[Diagnostic], dict[str, Any]]:
    """The diagnostics and the answer of the API's validation."""
    package = packed(given)
    texts = Texts.of(given, package)
    body = package.body() | {"parameters": given.values()}
    with target.session() as session:
        try:
            answer = session.call("POST", "/validate", body, {"show_nested": str(nested).lower()})
        except Failure as failure:
            if failure.exit_code != BAD_INPUT:
                raise
            return diagnostics_of(failure, texts), {}
    errors, warnings = answer.pop("errors", ()), answer.pop("warnings", ())
    found = [diagnostic(listed_error(each), texts) for each in errors]
    return [*found, *(diagnostic(listed_error(each), texts, WARNING) for each in warnings)], answer


@click.command()
@source_options
@click.option("--ignore", multiple=True, metavar="RULE", help="Leave a rule out. Repeatable.")
@click.option(
    "--level",
    type=click.Choice([severity.name.lower() for severity in Severity]),
    default="warning",
    help="The least grave problems to report.",
)
@_format_option
def lint(given: Given, ignore: tuple[str, ...], level: str, form: str) -> None:
    """Find what is allowed in FILE and its nested templates but probably not meant.

    The exit code is 0 when nothing is found, 1 when something is. `stackd template rules` lists the rules.
    """
    if unknown := set(ignore) - RULES.keys():
        raise Failure(f"There is no rule {min(unknown)}.", BAD_INPUT, f"Rules are {', '.join(RULES)}.")
    try:
        found = _linted(opened(given), ignore, Severity[level.upper()])
    except Refused as refused:
        found = refused.diagnostics
    show(ordered(found), form)
    if form == "text" and not found:
        click.echo(f"{given.file}: nothing found")
    sys.exit(FAILED if found else 0)


def _linted(work: Work, ignore: tuple[str, ...], level: Severity) -> list[Diagnostic]:
    """What the rules find in the template and in the nested ones."""
    environment = work.source.environment
    return [
        diagnostic(issue.error, work.texts, issue.rule.severity.name.lower(), issue.rule.id)
        for template in _templates(work)
        for issue in apply_rules(template, work.registry, environment, ignore=ignore, level=level)
    ]


def _templates(work: Work) -> list[Template]:
    """The template and the nested ones; raises Refused when one of them cannot be read."""
    package = work.package
    nested = [url for url in package.originals if url in package.files.keys() - {*package.environment_files}]
    try:
        work.source.template.require()
        return [work.source.template, *(load_template(package.files[url], file=url) for url in nested)]
    except StackdError as error:
        raise Refused(work.diagnostics(all_errors(error), ERROR)) from error


@click.command()
def rules() -> None:
    """List the rules of `stackd template lint`: how grave, name, meaning."""
    for rule in RULES.values():
        click.echo(f"{rule.severity.name.lower():8} {rule.id:22} {rule.summary}")
