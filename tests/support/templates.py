"""Templates as the tests write them: the version is said once, a test names the sections that it is about."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

LATEST = "2021-04-16"


def hot(resources: Mapping[str, Any] | None = None, **sections: Any) -> dict[str, Any]:
    """A template of the latest version as data; without resources it has no such section."""
    given = {} if resources is None else {"resources": resources}
    return {"heat_template_version": LATEST, **given, **sections}


def hot_text(body: str = "", version: str = LATEST) -> str:
    """A template as text: the line of the version, then the body."""
    return f"heat_template_version: {version}\n{body}"
