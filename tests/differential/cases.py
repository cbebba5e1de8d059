"""The cases: templates with what comes beside them, read from ``cases/*.yaml``.

An entry is a map of what is sent (``template`` or ``text``, ``parameters``, ``environment``, ``files``,
``environment_files``, ``parameter_merge_strategies`` …) and says how it expands into cases:

- ``template`` or ``text``: one case.
- ``expressions``: one stack without resources (or with those of ``with``), with an output for each of them.
- ``apart``: a stack of its own for each expression, for those that are refused as a whole.
- ``templates`` or ``texts``: a case for each, by name.

``versions`` repeats an entry for each of several versions, ``action`` is ``stack`` (make it, show it, delete
it) or ``validate`` or both, ``update`` is the body of an update that follows.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

HERE = Path(__file__).parent
LATEST = "2021-04-16"
BESIDE = ("parameters", "environment", "files", "environment_files", "tags", "timeout_mins")
HOW = ("name", "action", "versions", "with", "update", "expressions", "apart", "template", "templates")
KNOWN = frozenset((*HOW, *BESIDE, "text", "texts"))


@dataclass(frozen=True, slots=True)
class Case:
    """One request, or two of them, with what identifies the answer."""

    name: str
    action: str
    body: Mapping[str, Any] = field(repr=False)
    update: Mapping[str, Any] | None = field(default=None, repr=False)

    @property
    def stack_name(self) -> str:
        """The same on every server, since it may be part of the answer."""
        return f"case-{zlib.crc32(self.name.encode()):08x}"

    @property
    def group(self) -> str:
        """The file of the case."""
        return self.name.split("/")[0]


def load_cases(group: str = "*") -> list[Case]:
    """All cases, or those of one file."""
    return [
        case
        for path in sorted((HERE / "cases").glob(f"{group}.yaml"))
        for entry in yaml.load(path.read_text(), yaml.CSafeLoader)
        for case in _expand(path.stem, entry)
    ]


def _expand(group: str, entry: Mapping[str, Any]) -> Iterator[Case]:
    assert entry.keys() <= KNOWN, f"{group}: {entry.keys() - KNOWN}"
    actions = entry.get("action", "stack").split()
    versions = entry.get("versions", [LATEST])
    for version in versions:
        mark = f"@{version}" if "versions" in entry else ""
        for variant, template in _templates(entry, version):
            body = {key: entry[key] for key in BESIDE if key in entry} | {"template": template}
            for action in actions:
                how = f":{action}" if len(actions) > 1 else ""
                name = f"{group}/{entry['name']}{variant}{mark}{how}"
                yield Case(name, action, body, entry.get("update"))


def _templates(entry: Mapping[str, Any], version: Any) -> Iterator[tuple[str, Any]]:
    surroundings = entry.get("with", {})
    if "template" in entry:
        yield "", _versioned(entry["template"], version)
    if "text" in entry:
        yield "", entry["text"]
    for name, template in entry.get("templates", {}).items():
        yield f"/{name}", _versioned(template, version)
    for name, text in entry.get("texts", {}).items():
        yield f"/{name}", text
    if "expressions" in entry:
        yield "", _with_outputs(entry["expressions"], surroundings, version)
    for name, expression in entry.get("apart", {}).items():
        yield f"/{name}", _with_outputs({"it": expression}, surroundings, version)


def _versioned(template: Any, version: Any) -> Any:
    if not isinstance(template, dict) or any(key.endswith("ersion") for key in template):
        return template
    return {_version_key(version): version, **template}


def _version_key(version: str) -> str:
    if version == "2010-09-09":
        return "AWSTemplateFormatVersion"
    return "HeatTemplateFormatVersion" if version == "2012-12-12" else "heat_template_version"


def _with_outputs(expressions: Mapping[str, Any], surroundings: Mapping[str, Any], version: str) -> Any:
    hot = _version_key(version).startswith("heat")
    value, section = ("value", "outputs") if hot else ("Value", "Outputs")
    outputs = {name.replace(" ", "_"): {value: given} for name, given in expressions.items()}
    return _versioned({**surroundings, section: outputs}, version)
