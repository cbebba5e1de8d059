"""Raw template data to nodes: plain data with a `Call` where a function stands."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from stackd.errors import Place
from stackd.template.functions.base import (
    ARGUMENT_ERRORS,
    Call,
    Function,
    TemplatePath,
    call_error,
)

Functions = Mapping[str, Function]


class NodeParser:
    """Recognises the functions of one template version.

    A mapping with exactly one key that names a function is a call of it; everything else is literal. The
    arguments are parsed first, so that a function's check sees calls as `Call`.
    """

    __slots__ = ("_conditions", "_functions", "place")

    def __init__(
        self,
        functions: Functions,
        conditions: Functions,
        place: Callable[[TemplatePath], Place] | None = None,
    ) -> None:
        self._functions = functions
        self._conditions = conditions
        self.place = place or (lambda path: Place())

    def parse(self, raw: Any, path: TemplatePath) -> Any:
        """Data with every function inside it as a `Call`."""
        kind = type(raw)
        if kind is dict:
            if len(raw) == 1:
                for name, arguments in raw.items():
                    if (function := self._functions.get(name)) is not None:
                        return self._call(name, function, arguments, path)
            return {
                key: self.parse(value, (*path, key)) if type(value) is dict or type(value) is list else value
                for key, value in raw.items()
            }
        if kind is list:
            return [
                self.parse(value, (*path, index)) if type(value) is dict or type(value) is list else value
                for index, value in enumerate(raw)
            ]
        return raw

    def parse_condition(self, raw: Any, path: TemplatePath) -> Any:
        """The same in the language of conditions, where other functions are refused."""
        return NodeParser(self._conditions, self._conditions, self.place).parse(raw, path)

    def _call(self, name: str, function: Function, arguments: Any, path: TemplatePath) -> Call:
        try:
            args = function.parse(arguments, self, (*path, name))
            function.check(args)
        except ARGUMENT_ERRORS as error:
            raise call_error(name, function, path, error, self.place(path)) from error
        return Call(name, function, args, path)
