"""The yaql query language, run by a separate process that can be stopped."""

from __future__ import annotations

from typing import Any, Final

from typing_extensions import override

from stackd.template.functions.base import Call, Function, Resolver
from stackd.template.functions.lists import size_of
from stackd.template.unknown import Unknown
from stackd.template.worker import WORKERS, WorkerError

MAX_EXPRESSION: Final = 10_000
TIMEOUT: Final = 2.0


class Yaql(Function):
    """The value of a yaql expression over data."""

    usage = "{yaql: {expression: text, data: {name: value}}}"

    @override
    def check(self, args: Any) -> None:
        if not isinstance(args, dict):
            raise TypeError('Arguments to "yaql" must be a map.')
        if "expression" not in args or args.keys() - {"expression", "data"}:
            raise KeyError('"yaql" function should have two keys: expression and data')
        if not isinstance(args["expression"], str | Call | Unknown):
            raise TypeError('The "expression" argument to yaql must contain a string.')
        if isinstance(args["expression"], str) and len(args["expression"]) > MAX_EXPRESSION:
            raise ValueError(f"Bad expression: longer than {MAX_EXPRESSION} characters")

    @override
    def validate(self, args: Any) -> None:
        if isinstance(args["expression"], str):
            try:
                WORKERS.call("yaql_check", [args["expression"]], TIMEOUT)
            except WorkerError as error:
                raise ValueError(f"Bad expression {error}.") from None
            except TimeoutError:
                raise ValueError("Bad expression: it takes too long to read") from None

    @override
    def check_values(self, args: Any) -> None:
        self.check(args)

    @override
    def evaluate(self, args: Any, run: Resolver) -> Any:
        expression = args["expression"]
        try:
            value = WORKERS.call("yaql", [expression, args.get("data", {})], TIMEOUT)
        except TimeoutError:
            raise ValueError(f"the expression took more than {TIMEOUT:g} seconds") from None
        nodes, text = size_of(value)
        run.charge(nodes=nodes, text=text)
        return value
