"""The sources are Python 3.6: their grammar, and what they take from the standard library."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cfntools.conftest import SOURCE

MODULES = sorted(SOURCE.rglob("*.py"))

NEWER = frozenset(
    [
        "removeprefix",
        "removesuffix",
        "capture_output",
        "text",
        "fromisoformat",
        "missing_ok",
        "dirs_exist_ok",
        "cached_property",
        "nullcontext",
        "get_running_loop",
        "time_ns",
        "monotonic_ns",
        "breakpoint",
        "is_relative_to",
        "readlink_path",
        "pidfd_open",
    ]
)
"""Names of methods and arguments that later versions brought, as far as the tools might want them."""

NEWER_MODULES = frozenset(
    [
        "dataclasses",
        "contextvars",
        "graphlib",
        "zoneinfo",
        "tomllib",
        "importlib.metadata",
        "importlib.resources",
    ]
)
NEWER_TYPES = frozenset(["Protocol", "Final", "Literal", "TypedDict", "Annotated", "ForwardRef", "Self"])


def newer(tree: ast.AST) -> Iterator[str]:
    """What Python 3.6 does not have."""
    for node in ast.walk(tree):
        match node:
            case ast.Attribute(attr=name) | ast.keyword(arg=name) if name in NEWER:
                yield str(name)
            case ast.Import(names=names):
                yield from (each.name for each in names if each.name in NEWER_MODULES)
            case ast.ImportFrom(module="__future__", names=names):
                yield from (each.name for each in names)
            case ast.ImportFrom(module="typing", names=names):
                yield from (each.name for each in names if each.name in NEWER_TYPES)
            case ast.ImportFrom(module=module) if module in NEWER_MODULES:
                yield str(module)
            case ast.Subscript(value=ast.Name(id="list" | "dict" | "tuple" | "set" | "type" as name)):
                yield f"{name}[...]"


def readable(path: Path) -> str:
    return str(path.relative_to(SOURCE))


@pytest.mark.parametrize("path", MODULES, ids=readable)
def test_module_is_of_the_old_language(path: Path) -> None:
    assert list(newer(ast.parse(path.read_text(), feature_version=(3, 6)))) == []


@pytest.mark.parametrize(
    "text",
    [
        "import dataclasses",
        "from typing import Protocol",
        "from __future__ import annotations",
        "def f(x: list[str]) -> None: ...",
        "subprocess.run(x, capture_output=True)",
        "'abc'.removeprefix('a')",
    ],
)
def test_newer_language_is_recognised(text: str) -> None:
    assert list(newer(ast.parse(text)))


@pytest.mark.parametrize("text", ["(x := 1)", "def f(a, /): ..."])
def test_newer_grammar_is_refused(text: str) -> None:
    with pytest.raises(SyntaxError):
        ast.parse(text, feature_version=(3, 6))


@pytest.mark.parametrize("path", MODULES, ids=readable)
def test_module_imports_the_standard_library_and_its_own_only(path: Path) -> None:
    imported: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            imported.update(each.name.partition(".")[0] for each in node.names)
        elif isinstance(node, ast.ImportFrom):
            imported.add((node.module or "").partition(".")[0])
    assert imported <= sys.stdlib_module_names | {"stackd_cfntools"}
