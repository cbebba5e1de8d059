"""Functions that decide: the conditions themselves, and the choice between two values."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from typing_extensions import override

from stackd.template.functions.base import (
    OMITTED,
    Call,
    Function,
    Lazy,
    Parser,
    Resolver,
    TemplatePath,
    Use,
    Walk,
)
from stackd.template.unknown import Unknown


class Equals(Function):
    """Whether two values are equal."""

    usage = "{equals: [value, value]}"

    def __init__(self, name: str = "equals") -> None:
        self.name = name

    @override
    def check(self, args: Any) -> None:
        if not isinstance(args, list) or len(args) != 2:
            raise ValueError(f'Arguments to "{self.name}" must be of the form: [value_1, value_2]')

    @override
    def evaluate(self, args: Any, run: Resolver) -> Any:
        return bool(args[0] == args[1])


class Not(Function):
    """Whether a condition is false."""

    usage = "{not: condition}"
    raw_arguments = True

    def __init__(self, name: str = "not", *, in_list: bool = False) -> None:
        self.name = name
        self.in_list = in_list

    @override
    def check(self, args: Any) -> None:
        if self.in_list and (not isinstance(args, list) or len(args) != 1):
            raise ValueError(f'Arguments to "{self.name}" must be of the form: [condition]')
        if not self.in_list and (args is None or args == ""):
            raise ValueError(f'Argument to "{self.name}" must be a condition')

    @override
    def evaluate(self, args: Any, run: Resolver) -> Any:
        truth = run.condition(args[0] if self.in_list else args)
        return truth if isinstance(truth, Unknown) else not truth


class Several(Function):
    """Whether all, or any, of several conditions are true."""

    raw_arguments = True

    def __init__(self, name: str, *, decided_by: bool) -> None:
        self.name = name
        self.decided_by = decided_by

    @property
    @override
    def summary(self) -> str:
        """One line for the list of functions."""
        return f"Whether {'any' if self.decided_by else 'all'} of several conditions are true."

    @override
    def check(self, args: Any) -> None:
        if not isinstance(args, list):
            raise TypeError(f'Arguments to "{self.name}" must be a list of conditions')
        if len(args) < 2:
            raise ValueError(f'The minimum number of condition arguments to "{self.name}" is 2.')

    @override
    def evaluate(self, args: Any, run: Resolver) -> Any:
        unknown: Unknown | None = None
        for condition in args:
            truth = run.condition(condition)
            if isinstance(truth, Unknown):
                unknown = unknown or truth
            elif truth is self.decided_by:
                return truth
        return unknown if unknown is not None else not self.decided_by


@dataclass(frozen=True, slots=True)
class Choice:
    """The arguments of ``if``: the condition, and branches that are parsed when they are chosen."""

    condition: Any
    branches: tuple[Lazy, ...]


class If(Function):
    """One of two values, by a condition."""

    usage = "{if: [condition, value if true, value if false]}"
    raw_arguments = True

    def __init__(self, name: str = "if", *, optional_else: bool = False) -> None:
        self.name = name
        self.optional_else = optional_else

    @override
    def parse(self, raw: Any, parser: Parser, path: TemplatePath) -> Any:
        """Only the condition is parsed: a branch that is not chosen may contain anything."""
        lengths = (2, 3) if self.optional_else else (3,)
        if not isinstance(raw, list) or len(raw) not in lengths:
            raise ValueError(
                f'Arguments to "{self.name}" must be of the form: '
                "[condition_name, value_if_true, value_if_false]"
            )
        condition = parser.parse_condition(raw[0], (*path, 0))
        branches = tuple(Lazy(part, (*path, index), parser) for index, part in enumerate(raw[1:], 1))
        return Choice(condition, branches)

    @override
    def references(self, args: Choice, walk: Walk) -> Iterator[Use]:
        truth = self._truth(walk.condition(args.condition))
        if isinstance(truth, Unknown):
            for branch in args.branches:
                yield from walk.inside(branch.node)
        elif truth or len(args.branches) > 1:
            yield from walk.inside(args.branches[0 if truth else 1].node)

    @override
    def evaluate(self, args: Choice, run: Resolver) -> Any:
        truth = self._truth(run.condition(args.condition))
        if isinstance(truth, Unknown):
            return truth
        if truth:
            return run.resolve(args.branches[0].node)
        return run.resolve(args.branches[1].node) if len(args.branches) > 1 else OMITTED

    @staticmethod
    def _truth(truth: Any) -> Any:
        return True if truth is None else truth


class NotHere(Function):
    """A function that does not work where conditions are decided."""

    def __init__(self, name: str) -> None:
        self.name = name

    @override
    def check(self, args: Any) -> None:
        raise ValueError(f'The function "{self.name}" is invalid in this context')

    @override
    def parse(self, raw: Any, parser: Parser, path: TemplatePath) -> Any:
        """Refused whatever its arguments are."""
        return raw

    @override
    def evaluate(self, args: Any, run: Resolver) -> Any:
        return args


class Removed(Function):
    """A function of older versions, recognised so that its use can be refused."""

    def __init__(self, name: str) -> None:
        self.name = name

    @override
    def validate(self, args: Any) -> None:
        raise ValueError(
            "The template version is invalid: "
            f"The function {self.name} is not supported in this version of HOT."
        )

    @override
    def evaluate(self, args: Any, run: Resolver) -> Any:
        return {self.name: args}


def is_condition(value: Any) -> bool:
    """Whether a value can stand for a condition: a name, a boolean or a condition function."""
    return isinstance(value, str | bool | Call)
