"""`stackd types`."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from stackd.cli.main import cli
from stackd.cli.types import reference_page
from stackd.resources.registry import load_registry

PAGE = Path(__file__).parents[2] / "docs/reference/resource-types.md"


def test_committed_reference_is_up_to_date() -> None:
    assert PAGE.read_text() == reference_page(load_registry()) + "\n"


def test_reference_names_every_property_and_attribute() -> None:
    registry = load_registry()
    page = reference_page(registry)
    for name in registry.matching():
        section = page.partition(f"\n## {name}\n")[2].partition("\n## ")[0]
        kind = registry.types[name]
        shown = [key for key, each in kind.properties.schema.items() if not each.hidden]
        shown += [key for key, each in kind.attributes.items() if each.support.status != "HIDDEN"]
        assert [key for key in shown if f"| `{key}` |" not in section] == []


def test_types_are_listed_with_those_of_plugins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "c.toml").write_text("")
    result = CliRunner().invoke(cli, ["--config", "c.toml", "types"])
    assert result.exit_code == 0
    assert "OS::Heat::Value" in result.stdout.splitlines()
