"""The families: stacks that mix the services of the cloud, as `tests/scenarios/families` has them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from tests.support.cases import Life, Step, read

PATHS: Final = sorted((Path(__file__).parents[1] / "scenarios/families").glob("*.yaml"))
"""One file for each family."""

DEV_CLOUD: Final[Mapping[str, str]] = {
    "stamp": "f1", "host": "dev", "node": "metal-1", "image_url": "http://images.test/tiny.raw"
}  # fmt: skip
"""What the dev cloud gives to templates that declare it: what it has, and where an image would be."""


def family(name: str) -> Life:
    """The family in the file of that name."""
    return read(next(path for path in PATHS if path.stem == name))


def body(life: Life, step: Step) -> dict[str, Any]:
    """What a request for a step says of the stack."""
    return {"template": step.template, "parameters": step.parameters, "files": dict(life.files)}
