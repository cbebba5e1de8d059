"""Makes and changes objects of frozen classes with slots at a tenth of the usual cost."""

from __future__ import annotations

from dataclasses import MISSING, Field, field, fields, make_dataclass
from functools import cache
from operator import attrgetter
from typing import Any, TypeVar

R = TypeVar("R")


@cache
def draft_of(kind: type[Any], first: tuple[str, ...] = ()) -> type[Any]:
    """A class of objects that become records of a frozen class with slots when that is made their class.

    A frozen class sets each field by a function, which takes ten times as long as to set it in a draft. The
    values of the fields in ``first`` are given by position, then those of the others, which have defaults if
    any field comes first. Fields of a draft may be set.
    """
    declared = {each.name: each for each in fields(kind)}
    names = first or tuple(declared)
    rest = [(name, Any, _with_default(each)) for name, each in declared.items() if name not in names]
    layout: list[Any] = [*((name, Any) for name in names), *rest]
    return make_dataclass(kind.__name__, layout, slots=True, eq=False, repr=False)


def _with_default(declared: Field[Any]) -> Any:
    """A field with the default of another one; None if that one has to be given."""
    if declared.default_factory is not MISSING:
        return field(default_factory=declared.default_factory)
    return field(default=None if declared.default is MISSING else declared.default)


@cache
def _copying(kind: Any) -> tuple[type[Any], attrgetter[tuple[Any, ...]]]:
    """The drafts of a class, and what gives the values for one."""
    return draft_of(kind), attrgetter(*(each.name for each in fields(kind)))


def changed(record: R, **values: Any) -> R:
    """What ``dataclasses.replace`` makes of a record with slots, at a tenth of the cost."""
    kind: Any = type(record)  # mypy takes a class for unhashable
    draft, values_of = _copying(kind)
    made: Any = draft(*values_of(record))
    for name, value in values.items():
        setattr(made, name, value)
    made.__class__ = kind
    return made  # type: ignore[no-any-return]
