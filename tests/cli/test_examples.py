"""The example templates, as the command sends them."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from stackd.cli.packing import pack

EXAMPLES = Path(__file__).parents[2] / "examples"
TEMPLATES = sorted(EXAMPLES.rglob("*.yaml"))


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: str(path.relative_to(EXAMPLES)))
def test_example_is_a_template_and_all_its_files_are_there(path: Path) -> None:
    package = pack(str(path))
    template = yaml.safe_load(package.template or "")
    versions = {"heat_template_version", "HeatTemplateFormatVersion", "AWSTemplateFormatVersion"}
    assert len(versions & template.keys()) == 1
    assert {"description", "resources"} <= {section.lower() for section in template}
    assert all(package.files.values())


def test_web_application_sends_its_tier_and_what_that_needs() -> None:
    files = pack(str(EXAMPLES / "webapp.yaml")).files
    assert [Path(url).name for url in sorted(files)] == ["setup.sh", "tier.yaml"]
