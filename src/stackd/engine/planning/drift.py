"""How a resource differs from its object in the cloud: recorded properties against what the object shows
(pure).

Only what the template sets is compared, and of that what the object shows: what a service adds or fills in is
no drift.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from stackd.engine.planning.diff import shown
from stackd.template.masking import Secrets
from stackd.template.shown_values import MASK, names_secret

IN_SYNC: Final = "IN_SYNC"
MODIFIED: Final = "MODIFIED"
DELETED: Final = "DELETED"

Pairs = Mapping[str, tuple[Any, Any]]
"""By the names of properties, what each is to be and what the object has, both as the service writes it."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """What came of the comparison of one resource: a status, and what it is made from, without secrets."""

    status: str
    expected: Mapping[str, Any]
    actual: Mapping[str, Any]
    differences: tuple[Mapping[str, Any], ...] = ()

    def content(self) -> dict[str, Any]:
        """The stored form."""
        return {
            "expected": dict(self.expected),
            "actual": dict(self.actual),
            "differences": [dict(each) for each in self.differences],
        }


def compared(pairs: Pairs, secrets: Secrets) -> Comparison:
    """The comparison of an object that is there."""
    found = [
        each for name, (one, other) in sorted(pairs.items()) for each in _between(one, other, f"/{name}")
    ]
    masked = tuple(_masked(each, secrets) for each in found)
    return Comparison(
        MODIFIED if found else IN_SYNC,
        {name: _shown(name, one, secrets) for name, (one, _) in pairs.items()},
        {name: _shown(name, other, secrets) for name, (_, other) in pairs.items()},
        masked,
    )


def gone(expected: Mapping[str, Any], secrets: Secrets) -> Comparison:
    """The comparison of an object that no longer exists."""
    return Comparison(DELETED, {name: _shown(name, each, secrets) for name, each in expected.items()}, {})


def _between(expected: Any, actual: Any, path: str) -> Iterator[dict[str, Any]]:
    """Where two values differ: inside maps each key that is set."""
    if isinstance(expected, Mapping) and isinstance(actual, Mapping):
        for key in sorted(expected, key=str):
            yield from _between(expected[key], actual.get(key), f"{path}/{_escaped(str(key))}")
    elif not _is_same(expected, actual):
        kind = "REMOVE" if actual is None else "NOT_EQUAL"
        yield {"path": path, "expected": expected, "actual": actual, "kind": kind}


def _is_same(expected: Any, actual: Any) -> bool:
    """Whether an object has what was asked for; numbers may be texts, and lists in another order."""
    if isinstance(expected, Mapping):
        return isinstance(actual, Mapping) and not list(_between(expected, actual, ""))
    if isinstance(expected, Sequence) and not isinstance(expected, str):
        return isinstance(actual, Sequence) and _are_same(list(expected), list(actual))
    if isinstance(expected, bool) or isinstance(actual, bool):
        return str(expected).lower() == str(actual).lower()
    return bool(expected == actual) or str(expected).strip() == str(actual).strip()


def _are_same(expected: list[Any], actual: list[Any]) -> bool:
    """Whether each of some values has its own among others, and none is left."""
    left = list(actual)
    for each in expected:
        at = next((at for at, other in enumerate(left) if _is_same(each, other)), None)
        if at is None:
            return False
        del left[at]
    return not left


def _escaped(key: str) -> str:
    """A key in a JSON pointer."""
    return key.replace("~", "~0").replace("/", "~1")


def _masked(difference: Mapping[str, Any], secrets: Secrets) -> dict[str, Any]:
    path = difference["path"]
    return {
        **difference,
        "expected": _shown(path, difference["expected"], secrets),
        "actual": _shown(path, difference["actual"], secrets),
    }


def _shown(name: str, value: Any, secrets: Secrets) -> Any:
    """A value as a comparison shows it."""
    if names_secret(name) and value is not None:
        return MASK
    return shown(value, secrets)
