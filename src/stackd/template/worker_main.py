"""The program of the worker process: reads requests, answers each with one line."""

from __future__ import annotations

import json
import os
import re
import resource
import sys
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from typing import Any, Final

MEMORY: Final = 400_000_000
NICE: Final = 5
"""The server comes first."""
YAQL_COLLECTION: Final = 200
YAQL_MEMORY: Final = 10_000


def match(pattern: str, value: str) -> bool:
    """Whether the first match from the start covers the whole value."""
    found = re.match(pattern, value)
    return found is not None and found.end() == len(value)


def matching(pattern: str, values: list[str]) -> list[str]:
    """The values that have a match from the start."""
    return [value for value in values if re.match(pattern, value)]


@lru_cache(maxsize=1)
def _yaql() -> tuple[Any, Any]:
    from yaql import create_context
    from yaql.language.factory import YaqlFactory

    options = {
        "yaql.limitIterators": YAQL_COLLECTION,
        "yaql.memoryQuota": YAQL_MEMORY,
        "yaql.convertInputData": True,
        "yaql.convertOutputData": True,
    }
    return YaqlFactory().create(options), create_context()


def yaql(expression: str, data: Any) -> Any:
    """The value of an expression with the data as ``$.data``."""
    parse, context = _yaql()
    return _plain(parse(expression).evaluate({"data": data}, context.create_child_context()))


def yaql_check(expression: str) -> bool:
    """Parses an expression; the error describes its mistake."""
    parse, _ = _yaql()
    parse(expression)
    return True


def _plain(value: Any) -> Any:
    if value is None or isinstance(value, str | int | float | bool):
        return value
    if isinstance(value, Mapping):
        return {key if isinstance(key, str) else str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset | Iterator):
        return [_plain(item) for item in value]
    return str(value)


OPERATIONS: Final[Mapping[str, Callable[..., Any]]] = {
    "match": match,
    "matching": matching,
    "yaql": yaql,
    "yaql_check": yaql_check,
}


def answer(line: str) -> str:
    """The answer to one request."""
    operation, arguments = json.loads(line)
    try:
        return json.dumps({"result": OPERATIONS[operation](*arguments)})
    except (Exception, RecursionError) as error:  # whatever an expression does is the user's to hear
        text = str(error) or type(error).__name__
        return json.dumps({"error": text[:1000]})


def main() -> None:
    """Answer requests until there are no more."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    os.nice(NICE)
    print("ready", flush=True)  # noqa: T201
    for line in sys.stdin:
        print(answer(line), flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
