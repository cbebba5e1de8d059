"""The last defence against structures so deep that walking them exhausts the stack."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from stackd.errors import TemplateError

P = ParamSpec("P")
R = TypeVar("R")


def depth_guarded(function: Callable[P, R]) -> Callable[P, R]:
    """The same function, whose RecursionError is a TemplateError.

    Texts and parameters are bounded where they come in; what functions and conditions build of each other is
    bounded here.
    """

    @wraps(function)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return function(*args, **kwargs)
        except RecursionError:
            raise TemplateError(
                "The template's functions or conditions are nested too deeply.",
                remedy="Flatten the structure, or move parts of it into nested templates.",
            ) from None

    return guarded
