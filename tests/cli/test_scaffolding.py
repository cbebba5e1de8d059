"""`stackd types scaffold`."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from click.testing import CliRunner

from stackd.cli.main import cli
from stackd.cli.scaffolding import scaffolded, words_of
from stackd.resources.registry import load_registry

SAMPLE = Path(__file__).parents[1] / "resources" / "scaffolded"
"""What is written for `Example::Dns::Record`: checked like our own code, and its test is one of ours."""


def scaffold(*words: str) -> tuple[int, str]:
    result = CliRunner().invoke(cli, ["types", "scaffold", *words])
    return result.exit_code, result.output


def test_what_is_written_is_the_sample() -> None:
    written = scaffolded("Example::Dns::Record")
    kept = {each.relative_to(SAMPLE) for each in SAMPLE.rglob("*.py")}
    assert {path: (SAMPLE / path).read_text() for path in kept} == written


def test_type_is_loaded_from_where_it_is_written_and_its_test_is_not(tmp_path: Path) -> None:
    where = tmp_path / "new"
    code, output = scaffold("ACME::Desk::DrawerKey", "--directory", str(where), "--service", "x-desk")
    assert code == 0
    files = [where / "desk_drawer_key.py", where / "tests" / "test_desk_drawer_key.py"]
    assert output.splitlines() == [str(each) for each in files]
    registry = load_registry([where])
    assert registry.problems == ()
    entity = registry.get("ACME::Desk::DrawerKey").entity
    assert entity is not None
    assert (entity.service, entity.path, entity.key) == ("x-desk", "/drawer_keys", "drawer_key")
    for each in files:
        ast.parse(each.read_text())


@pytest.mark.parametrize(
    ("kind", "key", "plural"),
    [
        ("Record", "record", "records"),
        ("L7Policy", "l7_policy", "l7_policies"),
        ("VPNGateway", "vpn_gateway", "vpn_gateways"),
        ("Box", "box", "boxes"),
        ("Batch", "batch", "batches"),
    ],
)
def test_names_in_requests_follow_from_the_name(kind: str, key: str, plural: str) -> None:
    words = words_of(f"Example::Dns::{kind}")
    assert (words["key"], words["path"], words["module"]) == (key, plural, f"dns_{key}")


@pytest.mark.parametrize(
    "name", ["Record", "Example::Record", "example::Dns::Record", "A::B::C-D", "A::B::", "../A"]
)
def test_other_names_are_refused_with_an_example(name: str, tmp_path: Path) -> None:
    code, output = scaffold(name, "--directory", str(tmp_path))
    assert code == 2
    assert "as Example::Dns::Record" in output
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    (tmp_path / "tests").mkdir()
    taken = tmp_path / "tests" / "test_dns_record.py"
    taken.write_text("mine")
    code, output = scaffold("Example::Dns::Record", "--directory", str(tmp_path))
    assert code == 2
    assert f"{taken} would be overwritten" in output
    assert not (tmp_path / "dns_record.py").exists()
    assert taken.read_text() == "mine"
