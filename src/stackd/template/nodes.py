"""Raw template data to nodes: plain data with a `Call` where a function stands."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from stackd.errors import TemplateError
from stackd.template.functions.base import (
    ARGUMENT_ERRORS,
    Call,
    Function,
    TemplatePath,
    call_error,
)
from stackd.template.parse import ParsedDocument
from stackd.template.problems import BROKEN, Report, refuse

Functions = Mapping[str, Function]


class NodeParser:
    """Recognises the functions of one template version.

    A mapping with exactly one key that names a function is a call of it; everything else is literal. The
    arguments are parsed first, so that a function's check sees calls as `Call`. A function whose arguments
    are wrong is reported; where reports do not raise, `BROKEN` takes its place.
    """

    __slots__ = ("_broken", "_conditions", "_document", "_functions", "_report")

    def __init__(
        self,
        functions: Functions,
        conditions: Functions,
        document: ParsedDocument | None = None,
        report: Report = refuse,
    ) -> None:
        self._functions = functions
        self._conditions = conditions
        self._document = document or ParsedDocument(None)
        self._report = report
        self._broken = 0

    def reporting(self, report: Report) -> NodeParser:
        """The same parser with another report."""
        return NodeParser(self._functions, self._conditions, self._document, report)

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
        return NodeParser(self._conditions, self._conditions, self._document, self._wrong).parse(raw, path)

    def _call(self, name: str, function: Function, arguments: Any, path: TemplatePath) -> Any:
        before = self._broken
        try:
            args = function.parse(arguments, self, (*path, name))
            if self._broken != before:
                return BROKEN
            function.check(args)
        except ARGUMENT_ERRORS as error:
            made = call_error(name, function, path, error, self._document.place(path))
            made = made.but(value=self._document.value(path))
            made.__cause__ = error
            self._wrong(made)
            return BROKEN
        return Call(name, function, args, path)

    def _wrong(self, error: TemplateError) -> None:
        self._broken += 1
        self._report(error)
