"""Stacks as data: files of two YAML documents, the steps of a stack's life and its template.

Steps are the creation and updates, each with ``set``, parameters on top of those of the step before, and
``template``, values by dotted path that take the place of those in the template; null takes away. What else
a step says is for those who carry it out. Pure.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Step:
    """A definition of the stack, and the step as it stands in the file, with what is expected after it."""

    template: Json
    parameters: Json
    expected: Json


@dataclass(frozen=True, slots=True)
class Life:
    """A file: its first document, which has the steps, the template, and the files beside it, by name."""

    header: Json
    template: Json
    files: Mapping[str, str]

    def steps(self, given: Mapping[str, Any]) -> Iterator[Step]:
        """The definitions in turn; parameters that are ``given`` go to a template that declares them."""
        template = copy.deepcopy(self.template)
        declared = template.get("parameters") or template.get("Parameters") or {}
        parameters = {key: value for key, value in given.items() if key in declared}
        for step in self.header["steps"]:
            parameters |= step.get("set", {})
            for path, value in step.get("template", {}).items():
                _put(template, path.split("."), value)
            yield Step(copy.deepcopy(template), dict(parameters), step)


class _Loader(yaml.CSafeLoader):
    """YAML in which dates are texts, as in templates."""


_Loader.yaml_implicit_resolvers = {
    first: [each for each in known if each[0] != "tag:yaml.org,2002:timestamp"]
    for first, known in yaml.CSafeLoader.yaml_implicit_resolvers.items()
}


def read(path: Path) -> Life:
    """The life in a file. Further files of the stack are in a directory of the same name."""
    header, template = yaml.load_all(path.read_text(), _Loader)
    files = {each.name: each.read_text() for each in path.parent.glob(f"{path.stem}/*")}
    return Life(header, template, files)


def _put(template: Json, path: list[str], value: Any) -> None:
    """Set or take away one place of a template; a part that is a number is an index."""
    at: Any = template
    for part in path[:-1]:
        at = at[int(part)] if isinstance(at, list) else at.setdefault(part, {})
    if value is None:
        del at[path[-1]]
    elif isinstance(at, list):
        at[int(path[-1])] = value
    else:
        at[path[-1]] = value
