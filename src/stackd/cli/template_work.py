"""A template opened for work: read, checked, evaluated and expanded, or refused with all that is wrong."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from stackd.cli.packing import Package, Unreadable
from stackd.cli.template_findings import ERROR, WARNING, Finding, Refused, finding, unreadable
from stackd.cli.template_source import Given, Texts, load, load_types
from stackd.engine.desired import Desired, Source
from stackd.engine.expand import Expanded, expand
from stackd.engine.validation import check
from stackd.errors import StackdError, TemplateError
from stackd.resources.registry import Registry
from stackd.settings import Settings

_NAME = "stack"


@dataclass(frozen=True, slots=True)
class Work:
    """A template that was read, with the types and settings that apply to it."""

    package: Package
    texts: Texts
    settings: Settings
    registry: Registry
    source: Source

    def finding(self, error: StackdError, severity: str = ERROR, rule: str = "") -> Finding:
        """What an error says, in terms of the files on the disk."""
        return finding(error, self.texts, self.source.template, severity, rule)


def packed(given: Given) -> Package:
    """The texts of the template and all that it refers to; raises Refused for what is not YAML."""
    try:
        return given.pack()
    except Unreadable as error:
        raise Refused([unreadable(error)]) from error


def opened(given: Given) -> Work:
    """The template, read; raises Refused."""
    package = packed(given)
    texts = Texts.of(given, package)
    settings = given.settings()
    try:
        source = load(given, package, settings.limits)
    except StackdError as error:
        raise Refused([finding(error, texts, None)]) from error
    return Work(package, texts, settings, load_types(settings), source)


@dataclass(frozen=True, slots=True)
class Checked:
    """What is wrong with a template; ``expanded`` is the tree of its stacks where nothing is."""

    errors: Sequence[StackdError]
    notes: Sequence[Finding]
    expanded: Expanded | None


def checked(work: Work) -> Checked:
    """Every mistake in the template and its nested ones, found by the code that the API uses."""
    found = check(work.source, work.registry)
    errors: list[StackdError] = [*found.refusals, *found.warnings]
    expanded = None
    if found.desired is not None and not errors:
        try:
            expanded = _expanded(work, found.desired)
        except StackdError as error:
            errors.append(error)
    warnings = work.source.template.warnings
    notes = [work.finding(TemplateError(each.message, place=each.place), WARNING) for each in warnings]
    return Checked(errors, notes, expanded)


def evaluated(given: Given) -> tuple[Work, Expanded]:
    """The template with the stacks inside it; raises Refused."""
    work = opened(given)
    found = checked(work)
    if found.expanded is None:
        raise Refused([work.finding(each) for each in found.errors])
    return work, found.expanded


def _expanded(work: Work, desired: Desired) -> Expanded:
    limits = work.settings.limits
    return expand(
        desired,
        work.registry,
        name=_NAME,
        max_depth=limits.max_nested_stack_depth,
        max_resources=limits.max_resources_per_stack,
    )
