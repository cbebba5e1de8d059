"""Where stackd answers differently on purpose: one table, of which the documentation shows every row.

A row of ``differences.yaml`` has ``what``, ``heat`` and ``stackd`` for people, and for the comparison one or
both of:

- ``answers``: for each case (a pattern) the members of the answer that differ, as a path, with what stackd
  says there.
- ``texts``: what is taken for the same in messages: the ``side``, the last member of the path it stands
  ``in``, a ``pattern`` and what it is replaced by before messages are compared.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

import yaml

from tests.differential.cases import HERE

TABLE = HERE / "differences.yaml"
ABSENT = "(absent)"


@dataclass(frozen=True, slots=True)
class Difference:
    """A row of the table."""

    what: str
    heat: str
    stackd: str
    answers: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    texts: tuple[Mapping[str, str], ...] = ()

    @property
    def row(self) -> str:
        """The line of the documentation."""
        return f"| {self.what} | {self.heat} | {self.stackd} |"


class Table:
    """All rows, and what they mean for the comparison of two answers."""

    def __init__(self, rows: Iterable[Difference]) -> None:
        self.rows = list(rows)
        self.texts = [text for row in self.rows for text in row.texts]

    def explained(self, case: str) -> dict[str, Any]:
        """The members of a case's answer that differ, with what stackd says."""
        return {
            path: value
            for row in self.rows
            for pattern, members in row.answers.items()
            if fnmatchcase(case, pattern)
            for path, value in members.items()
        }

    def differing(self, recorded: Any, answer: Any) -> dict[str, Any]:
        """What an answer says differently: the value by path, and ``(absent)`` for what it does not say.

        Where one side refuses what the other accepts, the outcome is all there is to compare.
        """
        if recorded["status"] != answer["status"]:
            return dict(self._members(outcome(answer), "stackd"))
        expected, found = dict(self._members(recorded, "heat")), dict(self._members(answer, "stackd"))
        paths = [*found, *(path for path in expected if path not in found)]
        both = {path: (expected.get(path, ABSENT), found.get(path, ABSENT)) for path in paths}
        return {path: ours for path, (theirs, ours) in both.items() if not same(theirs, ours)}

    def _members(self, answer: Any, side: str, path: str = "") -> Iterator[tuple[str, Any]]:
        """The leaves of an answer, each with its path."""
        if isinstance(answer, dict) and answer:
            for key, value in answer.items():
                yield from self._members(value, side, f"{path}/{key}")
        elif isinstance(answer, str):
            yield path, self._text(answer, side, path.rpartition("/")[2])
        else:
            yield path, answer

    def _text(self, text: str, side: str, member: str) -> str:
        for each in self.texts:
            if each["side"] == side and each["in"] == member:
                text = re.sub(each["pattern"], each["to"], text)
        return text


def outcome(answer: Any) -> Any:
    """Of an answer: the refusal, or that it is none, with what became of the stack."""
    if "message" in answer:
        return answer
    stack = answer.get("stack", {})
    outputs = {name: output["output_value"] for name, output in stack.get("outputs", {}).items()}
    return {"status": answer["status"], **({"outputs": outputs} if outputs else {})}


def same(one: Any, other: Any) -> bool:
    """Equality that tells numbers, booleans and text apart."""
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    return type(one) is type(other) and one == other


def load_table() -> Table:
    """The table."""
    return Table(Difference(**row) for row in yaml.load(TABLE.read_text(), yaml.CSafeLoader))
