"""Constraints on the values of parameters and properties: six kinds, each a record that can check a value."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Final

from stackd.errors import InvalidSchemaError
from stackd.template.named import ON_REQUEST, items_of, named_problem
from stackd.template.patterns import MAX_PATTERN, matches_whole, pattern_problem
from stackd.wording import Complaint, Reason


@dataclass(frozen=True, slots=True)
class Constraint:
    """What all constraints have: an optional text that replaces the message of a failure.

    ``kind`` is the key under which templates write it and the resource-type API shows it.
    """

    kind: ClassVar[str] = ""
    description: str = field(default="", kw_only=True)

    def problem(self, value: Any) -> Complaint | None:
        """Why ``value`` violates the constraint; None when it does not."""
        found = self._problem(value)
        return Reason.DESCRIBED(description=self.description) if found and self.description else found

    def shown(self) -> dict[str, Any]:
        """The constraint as the resource-type API shows it."""
        return {self.kind: self._limits()}

    def _problem(self, value: Any) -> Complaint | None:
        return None

    def _limits(self) -> Any:
        return None


def _bounded(low: float | None, high: float | None) -> dict[str, Any]:
    return {key: bound for key, bound in (("min", low), ("max", high)) if bound is not None}


def _is_outside(number: float, low: float | None, high: float | None) -> bool:
    return (low is not None and number < low) or (high is not None and number > high)


@dataclass(frozen=True, slots=True)
class Length(Constraint):
    """The length of a text, list or map, both bounds included."""

    kind: ClassVar[str] = "length"
    min: int | None = None
    max: int | None = None

    def _problem(self, value: Any) -> Complaint | None:
        try:
            length = len(value)
        except TypeError:
            length = len(str(value))
        if _is_outside(length, self.min, self.max):
            return Reason.WRONG_LENGTH(value=length, min=self.min, max=self.max)
        return None

    def _limits(self) -> Any:
        return _bounded(self.min, self.max)


@dataclass(frozen=True, slots=True)
class Range(Constraint):
    """The size of a number, both bounds included."""

    kind: ClassVar[str] = "range"
    min: float | None = None
    max: float | None = None

    def _problem(self, value: Any) -> Complaint | None:
        if _is_outside(value, self.min, self.max):
            return Reason.OUT_OF_RANGE(value=value, min=self.min, max=self.max)
        return None

    def _limits(self) -> Any:
        return _bounded(self.min, self.max)


@dataclass(frozen=True, slots=True)
class Modulo(Constraint):
    """A number in steps from an offset."""

    kind: ClassVar[str] = "modulo"
    step: int = 1
    offset: int = 0

    def _problem(self, value: Any) -> Complaint | None:
        if value % self.step != self.offset:
            return Reason.NOT_MULTIPLE(found=value, step=self.step, offset=self.offset)
        return None

    def _limits(self) -> Any:
        return {"step": self.step, "offset": self.offset}


@dataclass(frozen=True, slots=True)
class AllowedValues(Constraint):
    """One of some values; for a list, each element must be one of them."""

    kind: ClassVar[str] = "allowed_values"
    allowed: tuple[Any, ...] = ()

    def _problem(self, value: Any) -> Complaint | None:
        if all(item in self.allowed for item in items_of(value)):
            return None
        return Reason.NOT_ALLOWED(found=json.dumps(value), allowed=json.dumps(self.allowed))

    def _limits(self) -> Any:
        return list(self.allowed)


@dataclass(frozen=True, slots=True)
class AllowedPattern(Constraint):
    """A text whose first match with a regular expression covers all of it."""

    kind: ClassVar[str] = "allowed_pattern"
    pattern: str = ""

    def _problem(self, value: Any) -> Complaint | None:
        try:
            matched = matches_whole(self.pattern, str(value))
        except TimeoutError:
            return Reason.OTHER(text=f'matching "{value}" with pattern "{self.pattern}" takes too long')
        return None if matched else Reason.NOT_MATCHING(found=value, pattern=self.pattern)

    def _limits(self) -> Any:
        return self.pattern


@dataclass(frozen=True, slots=True)
class CustomConstraint(Constraint):
    """A format, or something that must exist in the cloud, known by a name such as ``neutron.network``.

    Formats are checked here, of a list each element; what the cloud or the clock has to judge is collected
    and checked together with the request.
    """

    kind: ClassVar[str] = "custom_constraint"
    name: str = ""

    @property
    def on_request(self) -> bool:
        """Whether a value is judged with the request that has it, not here."""
        return self.name in ON_REQUEST

    def _problem(self, value: Any) -> Complaint | None:
        if self.on_request:
            return None
        return next(filter(None, (named_problem(self.name, item) for item in items_of(value))), None)

    def _limits(self) -> Any:
        return self.name


@dataclass(frozen=True, slots=True)
class CustomCheck:
    """A value of a parameter that is to be judged with the request."""

    constraint: CustomConstraint
    value: Any
    parameter: str


# The order in which a definition with several kinds is read; only the first counts.
KINDS: Final = ("modulo", "length", "range", "allowed_values", "allowed_pattern", "custom_constraint")

APPLIES_TO: Final[Mapping[str, frozenset[str]]] = {
    "length": frozenset({"string", "comma_delimited_list", "json"}),
    "range": frozenset({"number"}),
    "modulo": frozenset({"number"}),
    "allowed_values": frozenset({"string", "number", "boolean", "comma_delimited_list"}),
    "allowed_pattern": frozenset({"string"}),
    "custom_constraint": frozenset({"string", "number", "boolean", "comma_delimited_list"}),
}
_LABELS: Final = {
    "length": "Length",
    "range": "Range",
    "modulo": "Modulo",
    "allowed_values": "AllowedValues",
    "allowed_pattern": "AllowedPattern",
    "custom_constraint": "Custom",
}


def number_of(value: Any, what: str) -> int | float:
    """A number, or the number in a text; raises InvalidSchemaError."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return value
    try:
        return int(value) if isinstance(value, str) else _refuse(value)
    except ValueError:
        pass
    try:
        return float(value)
    except (ValueError, TypeError):
        raise InvalidSchemaError(f"{what} must be a number, not {value!r}"[:200]) from None


def _refuse(value: Any) -> int:
    raise ValueError(value)


def whole_number(value: Any, what: str) -> int:
    """A whole number, or one in a text; raises InvalidSchemaError."""
    number = number_of(value, what)
    if isinstance(number, float) and not number.is_integer():
        raise InvalidSchemaError(f"{what} must be a whole number, not {value!r}"[:200])
    return int(number)


def _bounds(kind: str, body: Any, read: Callable[[Any, str], Any]) -> tuple[Any, Any]:
    if not isinstance(body, dict):
        raise InvalidSchemaError(f"Invalid {kind} constraint, expected a mapping")
    _only(body, ("min", "max"), f"{kind} constraint")
    low, high = (
        None if body.get(key) is None else read(body[key], f"{kind} {key}") for key in ("min", "max")
    )
    if low is None and high is None:
        raise InvalidSchemaError(f"A {kind} constraint must have a min value and/or a max value specified.")
    return low, high


def _only(body: Mapping[str, Any], allowed: tuple[str, ...], what: str) -> None:
    for key in body:
        if key not in allowed:
            raise InvalidSchemaError(
                f"Invalid key '{key}' for {what}", remedy=f"Use only {', '.join(allowed)}."
            )


def _modulo(body: Any, description: str) -> Modulo:
    if not isinstance(body, dict):
        raise InvalidSchemaError("Invalid modulo constraint, expected a mapping")
    _only(body, ("step", "offset"), "modulo constraint")
    if body.get("step") is None or body.get("offset") is None:
        raise InvalidSchemaError("A modulo constraint must have a step value and an offset value specified.")
    step, offset = whole_number(body["step"], "step"), whole_number(body["offset"], "offset")
    if step == 0:
        raise InvalidSchemaError("step cannot be 0.")
    if abs(offset) >= abs(step):
        raise InvalidSchemaError("offset must be smaller (by absolute value) than step.")
    if step * offset < 0:
        raise InvalidSchemaError("step and offset must be both positive or both negative.")
    return Modulo(step, offset, description=description)


def pattern(text: Any, description: str = "") -> AllowedPattern:
    """A pattern constraint; raises InvalidSchemaError for a pattern that is not one."""
    if not isinstance(text, str):
        raise InvalidSchemaError("AllowedPattern must be a string")
    if problem := pattern_problem(text):
        raise InvalidSchemaError(
            f'Invalid pattern "{text[:80]}": {problem}',
            remedy=f"Use a Python regular expression of at most {MAX_PATTERN} characters.",
        )
    return AllowedPattern(text, description=description)


def make_constraint(
    kind: str, body: Any, description: str, parameter_type: str, convert: Callable[[Any], Any]
) -> Constraint:
    """The constraint that a definition asks for; raises InvalidSchemaError."""
    if parameter_type not in APPLIES_TO[kind]:
        raise InvalidSchemaError(Reason.CONSTRAINT_TYPE(constraint=_LABELS[kind], type=parameter_type))
    if kind == "length":
        return Length(*_bounds("length", body, whole_number), description=description)
    if kind == "range":
        return Range(*_bounds("range", body, number_of), description=description)
    if kind == "modulo":
        return _modulo(body, description)
    if kind == "allowed_values":
        if not isinstance(body, list):
            raise InvalidSchemaError("AllowedValues must be a list")
        return AllowedValues(tuple(convert(item) for item in body), description=description)
    if kind == "allowed_pattern":
        return pattern(body, description)
    if not isinstance(body, str):
        raise InvalidSchemaError("custom_constraint must be a string")
    return CustomConstraint(body, description=description)
