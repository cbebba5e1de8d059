"""A template opened for work: read, checked, evaluated and expanded, or refused with all that is wrong."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from stackd.cli.diagnostics import Diagnostic, Refused, diagnostic, unreadable
from stackd.cli.packing import Package, Unreadable
from stackd.cli.template_source import Given, Texts, load, load_types
from stackd.engine.definition.desired import Source
from stackd.engine.validation import findings
from stackd.engine.validation.tree import Expanded
from stackd.errors import StackdError, all_errors
from stackd.resources.registry import Registry
from stackd.settings import Settings


@dataclass(frozen=True, slots=True)
class Work:
    """A template that was read as far as it can be, with the types and settings that apply to it."""

    package: Package
    texts: Texts
    settings: Settings
    registry: Registry
    source: Source

    def diagnostics(self, errors: Sequence[StackdError], severity: str) -> list[Diagnostic]:
        """The diagnostics of errors, in terms of the files on the disk."""
        return [diagnostic(error, self.texts, severity) for error in errors]


def packed(given: Given) -> Package:
    """The texts of the template and all that it refers to; raises Refused for what is not YAML."""
    try:
        return given.pack()
    except Unreadable as error:
        raise Refused([unreadable(error)]) from error


def opened(given: Given) -> Work:
    """The template, read; raises Refused for what is no template or environment at all."""
    package = packed(given)
    texts = Texts.of(given, package)
    settings = given.settings()
    try:
        source = load(given, package, settings.limits)
    except StackdError as error:
        raise Refused([diagnostic(each, texts) for each in all_errors(error)]) from error
    return Work(package, texts, settings, load_types(settings), source)


@dataclass(frozen=True, slots=True)
class Checked:
    """What is wrong with a template, what is suspicious, and its stacks as far as they can be evaluated."""

    errors: Sequence[StackdError]
    warnings: Sequence[StackdError]
    expanded: Expanded | None


def checked(work: Work) -> Checked:
    """Every mistake in the template and its nested ones, found by the code that the API uses."""
    try:
        found = findings.checked(work.source, work.registry, work.settings.limits)
    except StackdError as error:
        return Checked(all_errors(error), findings.warnings_of(work.source), None)
    warnings = findings.warnings_of(work.source, found.expanded)
    return Checked(found.errors, findings.without_repeated(warnings, found.errors), found.expanded)


def evaluated(given: Given) -> tuple[Work, Expanded]:
    """The template with the stacks inside it; raises Refused when anything is wrong with them."""
    work = opened(given)
    found = checked(work)
    if found.expanded is None or found.errors:
        raise Refused(work.diagnostics(found.errors, "error"))
    return work, found.expanded
