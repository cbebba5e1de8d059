"""Parameters of one stack: values bound to schemas, converted, checked, and masked when shown."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from stackd.errors import (
    ImmutableParameterModified,
    InvalidSchemaError,
    TemplateError,
    UnknownUserParameter,
    UserParameterMissing,
)
from stackd.template.constraints import CustomConstraint
from stackd.template.environment import Environment
from stackd.template.schemas import MASK, ParameterSchema, convert, text_form
from stackd.template.unknown import Unknown, has_unknown

if TYPE_CHECKING:
    from stackd.template.template import Template

AWS_REGION: Final = "ap-southeast-1"


@dataclass(frozen=True, slots=True)
class StackIdentity:
    """What the pseudo-parameters say about a stack; ``stack_id`` is empty before the stack is stored."""

    project_id: str = ""
    stack_name: str = ""
    stack_id: str = ""
    region: str = "RegionOne"

    @property
    def arn(self) -> str:
        """The stack's name for CloudFormation."""
        return f"arn:openstack:heat::{self.project_id}:stacks/{self.stack_name}/{self.stack_id or 'None'}"


def pseudo_parameters(dialect: str, identity: StackIdentity) -> dict[str, str]:
    """The parameters that every template of a dialect has without declaring them."""
    if dialect == "hot":
        return {
            "OS::stack_name": identity.stack_name,
            "OS::stack_id": identity.stack_id or "None",
            "OS::project_id": identity.project_id,
        }
    return {"AWS::StackName": identity.stack_name, "AWS::StackId": identity.arn, "AWS::Region": AWS_REGION}


PSEUDO_NAMES: Final = {
    dialect: frozenset(pseudo_parameters(dialect, StackIdentity())) for dialect in ("hot", "cfn")
}


@dataclass(frozen=True, eq=False)
class Parameters(Mapping[str, Any]):
    """Typed values by name, pseudo-parameters included.

    ``custom_checks`` are the (constraint name, value, parameter) that only the cloud can answer.
    """

    values_by_name: Mapping[str, Any] = field(default_factory=dict)
    schemas: Mapping[str, ParameterSchema] = field(default_factory=dict)
    hidden: frozenset[str] = frozenset()
    custom_checks: tuple[tuple[str, Any, str], ...] = ()
    memo: dict[str, Any] = field(default_factory=dict, repr=False)

    def __getitem__(self, name: str) -> Any:
        return self.values_by_name[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.values_by_name)

    def __len__(self) -> int:
        return len(self.values_by_name)

    def shown(self) -> dict[str, str]:
        """The values as the API shows them: text, hidden ones masked, unknown ones left out."""
        return {
            name: MASK if name in self.hidden else text_form(self._type(name), value)
            for name, value in self.values_by_name.items()
            if not has_unknown(value)
        }

    def _type(self, name: str) -> str:
        return self.schemas[name].type if name in self.schemas else "string"


def masked(message: str, parameters: Mapping[str, Any]) -> str:
    """A message in which no value of a hidden parameter can be read."""
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
) -> Parameters:
    """Give a template's parameters their values: the environment's, its defaults', or the template's.

    Without ``strict``, names that the template lacks and values that violate a constraint are accepted. With
    ``allow_missing`` a missing value is `Unknown`. ``previous`` are the values before an update, against
    which immutable parameters are held.
    """
    schemas = template.parameter_schemas
    if strict:
        _refuse_unknown(template, environment)
    values: dict[str, Any] = {}
    checks: list[tuple[str, Any, str]] = []
    for name, schema in schemas.items():
        given = _given(name, schema, environment)
        if given is None:
            if not allow_missing:
                raise UserParameterMissing(
                    f"The Parameter ({name}) was not provided.",
                    path=f"parameters.{name}",
                    place=template.parameter_place(name),
                    remedy="Give it a value, or a default in the template.",
                )
            values[name] = Unknown("", ("parameters", name))
            continue
        values[name] = _checked(template, schema, given, checks, strict=strict)
    if previous is not None:
        _refuse_immutable(template, values, previous)
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


def _refuse_unknown(template: Template, environment: Environment) -> None:
    known = template.parameter_schemas.keys() | PSEUDO_NAMES[template.version.dialect]
    for name in environment.parameters:
        if name not in known:
            raise UnknownUserParameter(
                f"The Parameter ({name}) was not defined in template.",
                path=f"parameters.{name}",
                remedy="Remove the value, or declare the parameter in the template.",
            )


def _checked(
    template: Template,
    schema: ParameterSchema,
    given: Any,
    checks: list[tuple[str, Any, str]],
    *,
    strict: bool,
) -> Any:
    try:
        value = convert(schema.type, given)
    except ValueError as error:
        if strict:
            raise _invalid(template, schema, str(error)) from None
        return given
    if has_unknown(value):
        return value
    for constraint in schema.constraints:
        if isinstance(constraint, CustomConstraint):
            items = value if isinstance(value, list) else [value]
            checks.extend((constraint.name, item, schema.name) for item in items)
        elif strict and (problem := constraint.problem(value)):
            raise _invalid(template, schema, problem)
    return value


def _invalid(template: Template, schema: ParameterSchema, problem: str) -> TemplateError:
    if schema.hidden:
        problem = "its value (hidden) is not acceptable"
    return TemplateError(
        f"Parameter '{schema.name}' is invalid: {problem}",
        path=f"parameters.{schema.name}",
        place=template.parameter_place(schema.name),
        remedy=f"Give a {schema.type} that meets the parameter's constraints.",
    )


def _refuse_immutable(template: Template, values: Mapping[str, Any], previous: Mapping[str, Any]) -> None:
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
        raise ImmutableParameterModified(
            f"The following parameters are immutable and may not be updated: {', '.join(changed)}",
            path=f"parameters.{changed[0]}",
            place=template.parameter_place(changed[0]),
            remedy="Keep their values, or create a new stack.",
        )


def default_problems(template: Template) -> list[TemplateError]:
    """What is wrong with the schemas' own defaults; custom constraints are not asked."""
    problems: list[TemplateError] = []
    for name, schema in template.parameter_schemas.items():
        if schema.default is None:
            continue
        try:
            value = convert(schema.type, schema.default)
            reasons = [problem for constraint in schema.constraints if (problem := constraint.problem(value))]
        except ValueError as error:
            reasons = [str(error)]
        problems.extend(
            InvalidSchemaError(
                f"Invalid default {schema.default} ({reason})",
                path=f"parameters.{name}.default",
                place=template.parameter_place(name),
                remedy="Correct the default or the constraint.",
            )
            for reason in reasons
        )
    return problems
