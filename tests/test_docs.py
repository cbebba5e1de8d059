"""The documentation is of this code: its drawing of the layers, the modules and pages that it names."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import stackd.engine

ROOT = Path(__file__).parents[1]
ARCHITECTURE = ROOT / "docs" / "architecture.md"
DECISIONS = ROOT / "docs" / "decisions"
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").rglob("*.md"), *(ROOT / "examples").rglob("*.md")])
NAMED_FROM = (ROOT, ROOT / "src" / "stackd", ROOT / "src" / "stackd" / "engine")


def contract(name: str) -> list[str]:
    """The layers of an import contract, without the name of the package around them."""
    settings: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())
    contracts = settings["tool"]["importlinter"]["contracts"]
    layers = next(each["layers"] for each in contracts if each["name"] == name)
    return [layer.replace("stackd.", "") for layer in layers]


def drawn(text: str) -> list[tuple[bool, str]]:
    """The layers of a drawing, each line of which has a layer and what it is for; whether it is indented."""
    lines = (line for line in text.splitlines() if line.strip())
    return [(line.startswith(" "), re.split(r" {2,}", line.strip())[0]) for line in lines]


def test_drawing_of_the_layers_is_the_contract() -> None:
    found = re.search(r"```text\n(.*?)```", ARCHITECTURE.read_text(), re.DOTALL)
    assert found is not None
    layers = drawn(found[1])
    assert [name for inner, name in layers if not inner] == contract("Imports point down")
    assert [name for inner, name in layers if inner] == contract("The engine's layers")


def test_drawing_of_the_engine_is_the_contract() -> None:
    _, _, drawing = (stackd.engine.__doc__ or "").partition("::\n")
    assert [name for _, name in drawn(drawing)] == contract("The engine's layers")


def test_modules_that_the_architecture_names_are_there() -> None:
    named = set(re.findall(r"`([\w/]+(?:\.py|/))`", ARCHITECTURE.read_text()))
    assert named
    assert not [name for name in named if not any((base / name).exists() for base in NAMED_FROM)]


def test_links_lead_somewhere() -> None:
    links = [(page, link) for page in PAGES for link in re.findall(r"\]\(([^)#\s]+)", page.read_text())]
    local = [(page, link) for page, link in links if ":" not in link]
    assert [(page, link) for page, link in local if not (page.parent / link).exists()] == []


def test_index_of_decisions_has_each_with_its_title() -> None:
    listed = re.findall(r"^(\d+)\. \[(.+)\]\((.+)\)$", (DECISIONS / "README.md").read_text(), re.MULTILINE)
    pages = sorted(DECISIONS.glob("0*.md"))
    assert [name for _, _, name in listed] == [page.name for page in pages]
    titles = [page.read_text().partition("\n")[0] for page in pages]
    assert [f"# {number}. {title}" for number, title, _ in listed] == titles


def test_glossary_has_each_word_once_and_in_order() -> None:
    rows = re.findall(r"^\| \*\*(.+?)\*\*", (ROOT / "docs" / "glossary.md").read_text(), re.MULTILINE)
    words = [word.lower() for word in rows]
    assert words == sorted(set(words))
