"""Templates that are wrong, each in a way of its own."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

VERSION = "2021-04-16"
EMPTY: dict[str, Any] = {"heat_template_version": VERSION}
WORD = {"type": "OS::Heat::RandomString"}
HEAD = f"heat_template_version: {VERSION}\n"


def resources(**named: Any) -> dict[str, Any]:
    """A template with these resources."""
    return {**EMPTY, "resources": named}


_SECTIONS = ("parameters", "parameter_groups", "resources", "outputs", "conditions")
_GARBAGE: tuple[Any, ...] = (True, 7, 1.5, "text", ["a"], [["a"]], [{}], [None])
_KEYS = ("properties", "metadata", "depends_on", "update_policy", "deletion_policy", "condition")
_MISPLACED: tuple[Any, ...] = (7, "nobody", ["nobody"], [7], [[]])
_NO_TEMPLATES: tuple[Any, ...] = (
    None, 1, True, "", "a", "[]", [], {}, "{", "}", ":", "\t", "%", "&a", "*a", "!!python/object:a",
    "a: b: c",
    "a: [", "- a", "--- a\n--- b", "\x00", "\ud7ff", '{"a": 1', "{{a}}", "null", "1e400",
)  # fmt: skip
_NO_VERSIONS: tuple[Any, ...] = (None, 1, "", "x", [], {}, "1999-01-01", 2**70)
_NO_TYPES: tuple[Any, ...] = (
    "", "OS::No::Such", 1, None, [], {}, {"get_param": "a"}, "OS::Heat", "\x00", "file:///etc/passwd",
)  # fmt: skip


def malformed() -> Iterator[Any]:
    """Templates that are wrong, each in a way of its own."""
    yield from _NO_TEMPLATES
    yield from ({"heat_template_version": version} for version in _NO_VERSIONS)
    yield {"AWSTemplateFormatVersion": "2010-09-09", "heat_template_version": VERSION, "resources": {}}
    yield {**EMPTY, "unheard_of": {}}
    for section in _SECTIONS:
        yield from ({**EMPTY, section: garbage} for garbage in _GARBAGE)
        if section not in ("parameter_groups", "conditions"):
            yield from ({**EMPTY, section: {"a": garbage}} for garbage in _GARBAGE)
    yield from (resources(a={"type": kind}) for kind in _NO_TYPES)
    for key in _KEYS:
        values = [each for each in _MISPLACED if _bad(key, each)]
        yield from (resources(a={**WORD, key: value}) for value in values)
    yield resources(a={**WORD, "unheard_of": 1})
    yield from functions()
    yield from parameters()
    yield from yaml_texts()


def _bad(key: str, value: Any) -> bool:
    return key != "condition" or not isinstance(value, str)


def functions() -> Iterator[Any]:
    """Wrong arguments of functions."""
    names = (
        "get_param", "get_attr", "get_resource", "str_replace", "list_join", "repeat", "map_merge",
        "str_split", "digest", "if", "yaql", "contains", "list_concat", "map_replace",
        "make_url", "filter", "get_file", "str_replace_strict", "list_concat_unique", "resource_facade",
    )  # fmt: skip
    for name in names:
        for arguments in (7, None, {"unheard": 1}, [7, [], [], [], []], {"template": 1, "params": 2}):
            yield resources(a={"type": "OS::Heat::Value", "properties": {"value": {name: arguments}}})
    yield resources(a={"type": "OS::Heat::Value", "properties": {"value": {"get_resource": "nobody"}}})
    yield resources(a={"type": "OS::Heat::Value", "properties": {"value": {"get_attr": ["a", "value"]}}})
    yield {
        **EMPTY,
        "conditions": {"a": {"not": "b"}, "b": {"not": "a"}},
        "outputs": {"o": {"value": 1, "condition": "a"}},
    }


def parameters() -> Iterator[Any]:
    """Wrong schemas of parameters."""
    for schema in (
        {},
        {"type": "unheard"},
        {"type": 1},
        {"type": "number", "default": "x"},
        {"type": "json", "default": "{"},
        {"type": "boolean", "default": "maybe"},
        {"type": "string", "constraints": 1},
        {"type": "string", "constraints": [1]},
        {"type": "string", "constraints": [{"range": {"min": 1}}]},
        {"type": "string", "constraints": [{"allowed_pattern": "("}], "default": "x"},
        {"type": "string", "constraints": [{"length": {"min": "x"}}]},
        {"type": "number", "constraints": [{"range": {}}]},
        {"type": "number", "constraints": [{"modulo": {"step": 0, "offset": 0}}]},
        {"type": "string", "unheard": 1},
    ):
        yield {**EMPTY, "parameters": {"p": schema}}


def yaml_texts() -> Iterator[str]:
    """Texts whose YAML is a trap."""
    yield HEAD + "resources: &a\n  b: *a\n"
    yield HEAD + "resources: &a [*a]\n"
    yield HEAD + "resources: *nobody\n"
    yield HEAD + "resources:\n  ? [a, b]\n  : c\n"
    yield HEAD + "resources: !!set {a, b}\n  x"
    yield HEAD + 'description: "\\ud800"\n'
    yield HEAD + "resources: {a: {type: !!binary '***'}}\n"
    yield HEAD + "<<: 7\n"
    yield (
        HEAD + "resources:\n  a: {type: OS::Heat::Value, properties: {value: 1e400, value: .nan}, other: x}\n"
    )
