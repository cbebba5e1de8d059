"""The rules, and how they are applied."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Final

from stackd.errors import TemplateError
from stackd.lint import language, names, resources, secrets
from stackd.lint.subject import Issue, Problem, Rule, Severity, Subject
from stackd.resources.registry import Registry
from stackd.template.environment import Environment
from stackd.template.functions.base import dotted
from stackd.template.guard import depth_guarded
from stackd.template.template import Template

_E, _W, _I = Severity.ERROR, Severity.WARNING, Severity.INFO

RULES: Final[Mapping[str, Rule]] = {
    rule.id: rule
    for rule in (
        Rule("private-key", _E, secrets.private_key),
        Rule("secret-in-text", _E, secrets.literal_secret),
        Rule("secret-default", _W, secrets.default_of_secret),
        Rule("secret-not-hidden", _W, secrets.not_hidden),
        Rule("secret-in-output", _W, secrets.secret_in_output),
        Rule("unused-parameter", _W, names.unused_parameter),
        Rule("unused-condition", _W, names.unused_condition),
        Rule("constant-condition", _W, names.constant_condition),
        Rule("impossible-comparison", _W, names.impossible_comparison),
        Rule("literal-function", _W, language.literal_function),
        Rule("repeated-key", _W, language.repeated_key),
        Rule("deprecated-type", _W, resources.deprecated_type),
        Rule("deprecated-property", _W, resources.deprecated_property),
        Rule("missing-route", _W, resources.missing_route),
        Rule("fixed-name", _W, resources.fixed_name),
        Rule("repeated-dependency", _I, resources.repeated_dependency),
        Rule("old-function", _I, language.old_function),
        Rule("old-version", _I, language.old_version),
        Rule("no-description", _I, language.no_description),
    )
}


@depth_guarded
def lint(
    template: Template,
    registry: Registry,
    environment: Environment | None = None,
    *,
    ignore: Collection[str] = (),
    level: Severity = Severity.INFO,
) -> list[Issue]:
    """What the rules find that are at least this grave and not ignored, in the order of the text."""
    subject = Subject(template, registry, environment or Environment())
    issues = [
        Issue(rule, _located(problem, template))
        for rule in RULES.values()
        if rule.severity >= level and rule.id not in ignore
        for problem in rule.find(subject)
    ]
    return sorted(issues, key=lambda issue: (issue.error.place.line, issue.error.place.column))


def _located(problem: Problem, template: Template) -> TemplateError:
    place = problem.place or template.place(problem.path)
    return TemplateError(problem.message, path=dotted(problem.path), place=place, remedy=problem.remedy)
