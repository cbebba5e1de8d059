"""Parameters of one stack: values bound to schemas, converted, checked, and masked when shown."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from stackd.errors import (
    ImmutableParameterModified,
    InvalidParameterValue,
    InvalidSchemaError,
    Place,
    TemplateError,
    UnknownUserParameter,
    UserParameterMissing,
)
from stackd.template.constraints import CustomCheck, CustomConstraint
from stackd.template.environment import Environment
from stackd.template.functions.base import OMITTED, dotted
from stackd.template.named import items_of
from stackd.template.problems import BROKEN, Report, nearest, refuse
from stackd.template.schemas import ParameterSchema, convert, invalid_parameter_lead, text_form
from stackd.template.shown_values import MASK, shown_value
from stackd.template.unknown import Unknown, has_unknown
from stackd.wording import Complaint, Reason

if TYPE_CHECKING:
    from stackd.template.template import Template

AWS_REGION: Final = "ap-southeast-1"


@dataclass(frozen=True, slots=True)
class StackIdentity:
    """The values of pseudo-parameters; ``stack_id`` is empty before the stack is stored."""

    project_id: str = ""
    stack_name: str = ""
    stack_id: str = ""
    region: str = "RegionOne"

    @property
    def arn(self) -> str:
        """The stack's name for CloudFormation."""
        return f"arn:openstack:heat::{self.project_id}:stacks/{self.stack_name}/{self.stack_id or 'None'}"


_UNLISTED: Final = frozenset(
    {"AWS::AccountId", "AWS::NoValue", "AWS::NotificationARNs", "AWS::Partition", "AWS::URLSuffix"}
)
"""Pseudo-parameters of CloudFormation that Heat does not have: they are not shown with a stack."""


def pseudo_parameters(dialect: str, identity: StackIdentity) -> dict[str, Any]:
    """The parameters that every template of a dialect has without declaring them."""
    if dialect == "hot":
        return {
            "OS::stack_name": identity.stack_name,
            "OS::stack_id": identity.stack_id or "None",
            "OS::project_id": identity.project_id,
        }
    return {
        "AWS::StackName": identity.stack_name,
        "AWS::StackId": identity.arn,
        "AWS::Region": AWS_REGION,
        "AWS::AccountId": identity.project_id,
        "AWS::NoValue": OMITTED,
        "AWS::NotificationARNs": [],
        "AWS::Partition": "openstack",
        "AWS::URLSuffix": "",
    }


PSEUDO_NAMES: Final = {
    dialect: frozenset(pseudo_parameters(dialect, StackIdentity())) for dialect in ("hot", "cfn")
}


@dataclass(frozen=True, eq=False)
class Parameters(Mapping[str, Any]):
    """Typed values by name, pseudo-parameters included.

    ``custom_checks`` are the values that only the cloud can judge.
    """

    values_by_name: Mapping[str, Any] = field(default_factory=dict)
    schemas: Mapping[str, ParameterSchema] = field(default_factory=dict)
    hidden: frozenset[str] = frozenset()
    custom_checks: tuple[CustomCheck, ...] = ()
    memo: dict[str, Any] = field(default_factory=dict, repr=False)

    def __getitem__(self, name: str) -> Any:
        return self.values_by_name[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.values_by_name)

    def __len__(self) -> int:
        return len(self.values_by_name)

    def unremembering(self) -> Parameters:
        """The same with an empty memo; what ``dataclasses.replace`` makes, at less than half the cost."""
        return Parameters(self.values_by_name, self.schemas, self.hidden, self.custom_checks)

    def shown(self) -> dict[str, str]:
        """The values as the API shows them: text, hidden ones masked, unknown ones left out."""
        return {
            name: MASK if name in self.hidden else text_form(self._type(name), value)
            for name, value in self.values_by_name.items()
            if not has_unknown(value) and name not in _UNLISTED
        }

    def _type(self, name: str) -> str:
        return self.schemas[name].type if name in self.schemas else "string"


def masked_complaint(complaint: Complaint, parameters: Mapping[str, Any]) -> Complaint:
    """A message with the values of hidden parameters masked."""
    words = {
        key: masked(word, parameters) if isinstance(word, str) else word
        for key, word in complaint.words.items()
    }
    return Complaint(complaint.reason, words)


def masked(message: str, parameters: Mapping[str, Any]) -> str:
    """A text with the values of hidden parameters masked."""
    if not isinstance(parameters, Parameters):
        return message
    for name in parameters.hidden:
        secret = str(parameters.get(name, ""))
        if secret and secret in message:
            message = message.replace(secret, MASK)
    return message


def bind_parameters(
    template: Template,
    environment: Environment,
    identity: StackIdentity,
    *,
    strict: bool = True,
    allow_missing: bool = False,
    previous: Mapping[str, Any] | None = None,
    report: Report = refuse,
) -> Parameters:
    """Give a template's parameters their values: the environment's, its defaults', or the template's.

    Without ``strict``, names that the template lacks and values that violate a constraint are accepted. With
    ``allow_missing`` a missing value is `Unknown`. ``previous`` are the values before an update, against
    which immutable parameters are held. Where ``report`` does not raise, what is wrong is `BROKEN`.
    """
    schemas = template.parameter_schemas
    if strict:
        check_names(template, environment, report)
    values: dict[str, Any] = {}
    checks: list[CustomCheck] = []
    for name, schema in schemas.items():
        if schema.broken:
            values[name] = BROKEN
            continue
        wrong_default = strict and _wrong_default(template, schema, report)
        given = _given(name, schema, environment)
        if wrong_default and given is schema.default:
            values[name] = BROKEN
        elif given is not None:
            values[name] = _checked(template, schema, given, checks, environment, report if strict else None)
        elif allow_missing:
            values[name] = Unknown("", ("parameters", name))
        else:
            values[name] = BROKEN
            report(_missing(template, name))
    if previous is not None:
        _refuse_immutable(template, values, previous, report)
    return Parameters(
        {**pseudo_parameters(template.version.dialect, identity), **values},
        schemas,
        frozenset(name for name, schema in schemas.items() if schema.hidden),
        tuple(checks),
    )


def _given(name: str, schema: ParameterSchema, environment: Environment) -> Any:
    """The value with the highest precedence; a null counts as none."""
    layers = [environment.parameters, environment.parameter_defaults]
    if environment.base is not None:
        layers += [environment.base.parameters, environment.base.parameter_defaults]
    for layer in layers:
        if (value := layer.get(name)) is not None:
            return value
    return schema.default


def _missing(template: Template, name: str) -> TemplateError:
    return UserParameterMissing(
        Reason.MISSING_PARAMETER(name=name),
        path=f"parameters.{name}",
        place=template.parameter_place(name),
        remedy="Give it a value, or a default in the template.",
    )


def check_names(template: Template, environment: Environment, report: Report) -> None:
    """Report the values of parameters that the template does not have."""
    for name in environment.parameters:
        if name not in template.parameter_schemas:
            report(
                UnknownUserParameter(
                    Reason.UNDECLARED_PARAMETER(name=name),
                    path=f"parameters.{name}",
                    place=environment.place("parameters", name),
                    remedy=nearest(name, template.parameter_schemas)
                    or "Remove the value, or declare the parameter in the template.",
                )
            )


def _checked(
    template: Template,
    schema: ParameterSchema,
    given: Any,
    checks: list[CustomCheck],
    environment: Environment,
    report: Report | None,
) -> Any:
    """The converted value; without ``report`` nothing is wrong with any."""
    try:
        value = convert(schema.type, given)
    except ValueError as error:
        if report is None:
            return given
        report(invalid_parameter(template, schema, str(error), environment, given))
        return BROKEN
    if has_unknown(value):
        return value
    for constraint in schema.constraints:
        if isinstance(constraint, CustomConstraint) and constraint.on_request:
            checks.extend(CustomCheck(constraint, item, schema.name) for item in items_of(value))
        elif report is not None and (problem := constraint.problem(value)):
            report(invalid_parameter(template, schema, problem, environment, given))
            return BROKEN
    return value


def invalid_parameter(
    template: Template,
    schema: ParameterSchema,
    problem: str | Complaint,
    environment: Environment | None = None,
    given: Any = None,
) -> TemplateError:
    """The error for a parameter's value; it does not show a hidden one, but what would be acceptable."""
    if schema.hidden:
        problem = unseen(schema, problem)
    place = environment.place("parameters", schema.name) if environment is not None else Place()
    return InvalidParameterValue(
        problem,
        lead=(invalid_parameter_lead(schema.name),),
        path=f"parameters.{schema.name}",
        place=place if place.line else template.parameter_place(schema.name),
        remedy=f"Give a {schema.type} that meets the parameter's constraints.",
        value=MASK if schema.hidden else shown_value(given, ("parameters", schema.name)),
    )


def unseen(schema: ParameterSchema, problem: str | Complaint) -> Complaint:
    """The problem of a hidden value, without the value: its text may quote it."""
    if isinstance(problem, str):
        return Reason.REFUSED_UNSEEN(value=MASK, form=schema.type)
    return problem.without_value(MASK)


def _refuse_immutable(
    template: Template, values: Mapping[str, Any], previous: Mapping[str, Any], report: Report
) -> None:
    changed = []
    for name, schema in template.parameter_schemas.items():
        if not schema.immutable or name not in previous:
            continue
        try:
            old = convert(schema.type, previous[name])
        except ValueError:
            old = previous[name]
        if old != values[name] and not has_unknown(values[name]):
            changed.append(name)
    if changed:
        report(
            ImmutableParameterModified(
                f"The following parameters are immutable and may not be updated: {', '.join(changed)}",
                path=f"parameters.{changed[0]}",
                place=template.parameter_place(changed[0]),
                remedy="Keep their values, or create a new stack.",
            )
        )


def check_defaults(template: Template, report: Report) -> None:
    """Report what is wrong with the schemas' own defaults; custom constraints are not asked."""
    for schema in template.parameter_schemas.values():
        if not schema.broken:
            _wrong_default(template, schema, report)


def _wrong_default(template: Template, schema: ParameterSchema, report: Report) -> bool:
    if schema.default is None:
        return False
    try:
        value = convert(schema.type, schema.default)
        reasons = [
            problem
            for constraint in schema.constraints
            if not isinstance(constraint, CustomConstraint) and (problem := constraint.problem(value))
        ]
    except ValueError:
        return False  # it is reported for the value that is used
    for reason in reasons:
        version = template.version
        path = (version.sections["parameters"], schema.name, version.parameter_keys["default"])
        shown = f"{MASK} ({unseen(schema, reason)})" if schema.hidden else f"{schema.default} ({reason})"
        report(
            InvalidSchemaError(
                f"Invalid default {shown}",
                lead=(invalid_parameter_lead(schema.name),),
                path=dotted(path),
                place=template.place(path),
                remedy="Correct the default or the constraint.",
                value=MASK if schema.hidden else template.value(path),
            )
        )
    return bool(reasons)
