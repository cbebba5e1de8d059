"""`stackd types`."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from stackd.cli.main import cli
from stackd.cli.type_examples import example
from stackd.cli.type_pages import FOLDER, INDEX, path_of, reference
from stackd.engine.validation.findings import findings
from stackd.resources.registry import load_registry

REFERENCE = Path(__file__).parents[2] / "docs/reference"
REGISTRY = load_registry()
INNER = "heat_template_version: 2021-04-16\nparameters: {size: {type: string}}\n"
FILES = {"https://templates.example.org/web.yaml": INNER}


def test_committed_reference_is_up_to_date() -> None:
    found = {f"{FOLDER}/{page.name}": page.read_text() for page in (REFERENCE / FOLDER).glob("*.md")}
    found[INDEX] = (REFERENCE / INDEX).read_text()
    assert found == reference(REGISTRY), "write it anew: make generated"


def test_reference_names_every_property_and_attribute() -> None:
    pages = reference(REGISTRY)
    for name in REGISTRY.matching():
        page, kind = pages[path_of(name)], REGISTRY.types[name]
        shown = [key for key, each in kind.properties.schema.items() if not each.hidden]
        shown += [key for key, each in kind.attributes.items() if each.support.status != "HIDDEN"]
        assert [key for key in shown if f"| `{key}` |" not in page] == []


@pytest.mark.parametrize("name", list(REGISTRY.matching()))
def test_example_of_a_type_is_a_template_without_mistakes(name: str) -> None:
    found = findings(example(REGISTRY.types[name]), files=FILES, registry=REGISTRY)
    assert not found.errors


def test_reference_is_written_into_a_directory_and_pages_of_other_types_go(tmp_path: Path) -> None:
    old = tmp_path / FOLDER / "os-old-type.md"
    old.parent.mkdir()
    old.write_text("gone")
    assert CliRunner().invoke(cli, ["types", "--reference", str(tmp_path)]).exit_code == 0
    assert not old.exists()
    written = {str(page.relative_to(tmp_path)): page.read_text() for page in tmp_path.rglob("*.md")}
    assert written == reference(REGISTRY)


def test_types_are_listed_with_those_of_plugins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "c.toml").write_text("")
    result = CliRunner().invoke(cli, ["--config", "c.toml", "types"])
    assert result.exit_code == 0
    assert "OS::Heat::Value" in result.stdout.splitlines()
