"""Metadata of servers and volumes, which can contain text only."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any


def as_text(metadata: Mapping[str, Any] | None) -> dict[str, str]:
    """The values as text: what is not text already becomes JSON."""
    return {
        key: value if isinstance(value, str) else json.dumps(value) for key, value in (metadata or {}).items()
    }
