"""The yaql query language, run by a separate process that can be stopped."""

from __future__ import annotations

from typing import Any

from typing_extensions import override

from stackd.template.functions.base import Function, Resolver

MAX_EXPRESSION = 10_000


class Yaql(Function):
    """The value of a yaql expression over data."""

    usage = "{yaql: {expression: text, data: {name: value}}}"

    @override
    def check(self, args: Any) -> None:
        if not isinstance(args, dict):
            raise TypeError('Arguments to "yaql" must be a map.')
        if "expression" not in args or args.keys() - {"expression", "data"}:
            raise KeyError('"yaql" function should have two keys: expression and data')
        if isinstance(args["expression"], str):
            self._check_length(args["expression"])

    @staticmethod
    def _check_length(expression: str) -> None:
        if len(expression) > MAX_EXPRESSION:
            raise ValueError(f"Bad expression: longer than {MAX_EXPRESSION} characters")

    @override
    def evaluate(self, args: Any, run: Resolver) -> Any:
        self.check(args)
        expression = args["expression"]
        if not isinstance(expression, str):
            raise TypeError("The expression of yaql must be a string")
        return run.yaql(expression, args.get("data", {}))
