"""Rules about what is declared and not used, or decides nothing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from stackd.errors import StackdError
from stackd.lint.subject import PARAMETER_USES, Problem, Subject
from stackd.template.conditions import Conditions
from stackd.template.constraints import AllowedValues
from stackd.template.evaluation import conditions_for
from stackd.template.parameters import PSEUDO_NAMES
from stackd.template.unknown import Unknown

_TRUTHS = frozenset({"not", "and", "or", "Condition", "Fn::Not", "Fn::And", "Fn::Or"})
_CHOICES = frozenset({"if", "Fn::If"})


def unused_parameter(subject: Subject) -> Iterator[Problem]:
    """Nothing uses a parameter."""
    uses = [use for use in subject.calls if use.name in PARAMETER_USES]
    if any(use.target is None for use in uses):
        return  # a name is computed: any may be meant
    used = {use.target for use in uses}
    for name in subject.template.parameter_schemas:
        if name not in used:
            yield Problem(
                (subject.names["parameters"], name), f"Nothing uses the parameter {name}.", "Remove it."
            )


def unused_condition(subject: Subject) -> Iterator[Problem]:
    """Nothing uses a condition."""
    used = set(_asked(subject))
    for name in subject.template.conditions:
        if name not in used:
            yield Problem(
                (subject.names["conditions"], name), f"Nothing uses the condition {name}.", "Remove it."
            )


def _asked(subject: Subject) -> Iterator[str]:
    """The names of conditions that something asks for."""
    version = subject.template.version
    for section, keys in (("resources", version.resource_keys), ("outputs", version.output_keys)):
        for body in (subject.data.get(subject.names[section]) or {}).values():
            if isinstance(body, dict):
                yield from _named(body.get(keys.get("condition", "")))
    for use in subject.uses:
        if use.name in _CHOICES and isinstance(use.args, list) and use.args:
            yield from _named(use.args[0])
        if use.name in _TRUTHS:
            for each in use.args if isinstance(use.args, list) else [use.args]:
                yield from _named(each)


def _named(condition: Any) -> Iterator[str]:
    if isinstance(condition, str):
        yield condition


def constant_condition(subject: Subject) -> Iterator[Problem]:
    """A condition is the same whatever the parameters are."""
    conditions = _open_conditions(subject)
    for name in subject.template.conditions:
        try:
            truth = conditions[name]
        except StackdError:
            continue  # validation reports the mistake
        if isinstance(truth, bool):
            path = (subject.names["conditions"], name)
            yield Problem(
                path, f"The condition {name} is always {str(truth).lower()}.", "Decide it by a parameter."
            )


def _open_conditions(subject: Subject) -> Conditions:
    """The conditions with every parameter left open."""
    template = subject.template
    names = (*template.parameter_schemas, *PSEUDO_NAMES[template.version.dialect])
    return conditions_for(template, {name: Unknown("", ("parameters", name)) for name in names})


def impossible_comparison(subject: Subject) -> Iterator[Problem]:
    """A parameter is compared with a value that its constraints exclude."""
    for use in subject.calls:
        if use.name not in ("equals", "Fn::Equals") or not isinstance(use.args, list) or len(use.args) != 2:
            continue
        for asked, value in (use.args, use.args[::-1]):
            name = _parameter(asked)
            schema = subject.template.parameter_schemas.get(name or "")
            if schema is None or isinstance(value, dict | list):
                continue
            for constraint in schema.constraints:
                if isinstance(constraint, AllowedValues) and _is_excluded(value, constraint.allowed):
                    message = f"{schema.name} is never {value!r}: its constraints do not allow it."
                    yield Problem(use.path, message, "Compare with one of its allowed values.")


def _is_excluded(value: Any, allowed: tuple[Any, ...]) -> bool:
    return value not in allowed and str(value) not in map(str, allowed)


def _parameter(node: Any) -> str | None:
    """The parameter that a node reads as a whole."""
    if not isinstance(node, dict) or len(node) != 1:
        return None
    name = node.get("get_param", node.get("Ref"))
    return name if isinstance(name, str) else None
