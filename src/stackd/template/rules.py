"""Rules of CloudFormation templates: what must be true of the parameters before anything is made."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from stackd.errors import TemplateError
from stackd.template.evaluation import Evaluation, ParameterScope
from stackd.template.functions.base import Call, TemplatePath, dotted
from stackd.template.nodes import NodeParser
from stackd.template.template import Template
from stackd.template.unknown import Unknown
from stackd.wording import HERE, Reason

_RULE_KEYS: Final = frozenset({"RuleCondition", "Assertions"})
_ASSERTION_KEYS: Final = frozenset({"Assert", "AssertDescription"})


def rule_problems(template: Template, parameters: Mapping[str, Any]) -> list[TemplateError]:
    """The mistakes in the rules, and the assertions that the parameters violate.

    An assertion about a parameter that has no value yet is skipped.
    """
    section = template.version.sections.get("rules")
    if section is None or (rules := template.data.get(section)) is None:
        return []
    if not isinstance(rules, dict):
        return [_wrong(template, (section,), f'"{section}" must contain a map of rules.')]
    judge = _Judge(template, parameters)
    problems: list[TemplateError] = []
    for name, rule in rules.items():
        try:
            problems.extend(judge.unmet((section, name), rule))
        except TemplateError as error:
            problems.append(error)
    return problems


def _wrong(template: Template, path: TemplatePath, message: str, remedy: str = "") -> TemplateError:
    place = template.place(path)
    return TemplateError(message, lead=(HERE,), path=dotted(path), place=place, remedy=remedy)


class _Judge:
    """Evaluates rules with one set of parameters."""

    def __init__(self, template: Template, parameters: Mapping[str, Any]) -> None:
        self._template = template
        functions = template.version.rule_functions
        self._parser = NodeParser(functions, functions, template.document)
        self._evaluation = Evaluation(ParameterScope(parameters), template)

    def unmet(self, path: TemplatePath, rule: Any) -> Iterator[TemplateError]:
        """The violated assertions of a rule; raises TemplateError for an invalid rule."""
        assertions = self._assertions(path, rule)
        condition = rule.get("RuleCondition")
        if condition is not None and self._truth((*path, "RuleCondition"), condition) is not True:
            return
        for index, assertion in enumerate(assertions):
            here = (*path, "Assertions", index)
            if not isinstance(assertion, dict) or "Assert" not in assertion:
                raise _wrong(self._template, here, "An assertion must be a map with the key Assert.")
            self._refuse_others(here, assertion, _ASSERTION_KEYS)
            if self._truth((*here, "Assert"), assertion["Assert"]) is False:
                description = assertion.get("AssertDescription")
                yield TemplateError(
                    str(description) if description else Reason.UNMET_ASSERTION(where=HERE),
                    path=dotted(here),
                    place=self._template.place(here),
                    remedy="Give parameters that meet the rule.",
                )

    def _assertions(self, path: TemplatePath, rule: Any) -> list[Any]:
        if not isinstance(rule, dict) or not isinstance(rule.get("Assertions"), list):
            raise _wrong(self._template, path, "A rule must be a map with a list of Assertions.")
        self._refuse_others(path, rule, _RULE_KEYS)
        assertions: list[Any] = rule["Assertions"]
        return assertions

    def _refuse_others(self, path: TemplatePath, body: dict[str, Any], known: frozenset[str]) -> None:
        for key in body.keys() - known:
            raise _wrong(
                self._template,
                (*path, key),
                f"The key {key} has no meaning here.",
                f"Use only {' and '.join(sorted(known))}.",
            )

    def _truth(self, path: TemplatePath, raw: Any) -> Any:
        node = self._parser.parse(raw, path)
        value = self._evaluation.resolve(node) if isinstance(node, Call) else node
        if isinstance(value, bool | Unknown):
            return value
        functions = ", ".join(self._template.version.rule_functions)
        raise _wrong(self._template, path, "This is not a condition.", f"Use one of {functions}.")
